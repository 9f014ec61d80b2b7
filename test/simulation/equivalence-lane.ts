import { type Address, addressKey } from '../../backends/secret.ts'
import type { BeginRequest, Claim, Debt, IntegrationState } from '../../ledger/ledger.ts'
import { type Machine, simMachine } from './equivalence-machines.ts'
import { canonical, formOfSim, formOfSql, type SqlRow } from './equivalence-rows.ts'
import { type Beginning, NAMES, type Name, type Sequence, type Step } from './equivalence-steps.ts'
import type { RowRules } from './row-rules.ts'
import { type LedgerState, makeLedgerState } from './sim-ledger.ts'

/*
 * One sequence on its way through both ledgers. Each lane has an integration of its own, so that hundreds of lanes can
 * take their steps in the same statements. A step is asked of the SQL ledger first; the simulated one follows, and where
 * the order of a claim is open (two debts of the same rank) it takes the SQL ledger's choice.
 */

type Ledgers = 'sql' | 'sim'

interface Claimed {
  readonly address: Address
  readonly ids: Readonly<Record<Ledgers, string>>
}

/** Does a step on one of the two and tells the answer. */
type Perform = (machine: Machine, which: Ledgers) => Promise<unknown>

export class Difference extends Error {}

export class Lane {
  readonly integration: string
  readonly sequence: Sequence
  readonly #state: LedgerState
  readonly #sim: Machine
  readonly #begun: BeginRequest[] = []
  readonly #claimed: Claimed[] = []
  readonly #labels = new Map<string, string>()
  readonly #story: string[] = []
  #taken = 0

  constructor(integration: string, sequence: Sequence, rules: RowRules, now: () => number) {
    this.integration = integration
    this.sequence = sequence
    this.#state = makeLedgerState(rules)
    this.#sim = simMachine(this.#state, now)
    const { start } = sequence
    this.#state.integrations.set(integration, { integration, state: start, epoch: 1, inventoried: true })
  }

  get done(): boolean {
    return this.#taken === this.sequence.steps.length
  }

  /** The same step on both; throws `Difference` when the answers differ. */
  async take(sql: Machine): Promise<void> {
    const step = this.sequence.steps[this.#taken] as Step
    this.#taken += 1
    const perform = this.#resolve(step)
    const theirs = await perform(sql, 'sql')
    if (step.kind === 'claim') this.#follow(theirs as readonly Claim[])
    const ours = await perform(this.#sim, 'sim')
    if (step.kind === 'claim') this.#remember(theirs as readonly Claim[], ours as readonly Claim[])
    const [answer, simulated] = [this.#form(theirs), this.#form(ours)]
    this.#story.push(`${this.#taken}. ${canonical(step)}\n   ${answer}`)
    if (answer !== simulated) throw this.#difference('answers', answer, simulated)
  }

  /** Throws `Difference` when the rows after the last step differ. */
  compare(rows: readonly SqlRow[]): void {
    const label = (id: string) => this.#labels.get(id) ?? id
    for (const name of NAMES) {
      const found = rows.find((row) => row.name === name)
      const simulated = this.#state.rows.get(addressKey(this.#address(name)))
      const [theirs, ours] = [
        found ? formOfSql(found, label) : 'none',
        simulated ? formOfSim(simulated.row, label) : 'none',
      ]
      if (theirs !== ours) throw this.#difference(`rows of ${name}`, theirs, ours)
    }
  }

  /** What a replica would ask and load, at the end; throws `Difference`. */
  async compareReads(sql: Machine, loaded: readonly Debt[]): Promise<void> {
    const ours = await this.#sim.ledger.debts(null, loaded.length + 1)
    const asked = async ({ ledger }: Machine) =>
      canonical(await Promise.all(NAMES.map((n) => ledger.ask(this.#address(n)))))
    const [theirs, simulated] = [await asked(sql), await asked(this.#sim)]
    if (theirs !== simulated) throw this.#difference('answers to ask', theirs, simulated)
    const [debts, simDebts] = [byAddress(loaded, this.integration), byAddress(ours, this.integration)]
    if (debts !== simDebts) throw this.#difference('debts', debts, simDebts)
  }

  #difference(of: string, sql: string, simulated: string): Difference {
    return new Difference(
      [
        `${this.sequence.start}:`,
        ...this.#story,
        `the ${of} differ`,
        `  SQL        ${sql}`,
        `  simulated  ${simulated}`,
      ].join('\n'),
    )
  }

  #address(name: Name): Address {
    return { integration: this.integration, customer: 'acme', name }
  }

  #seq(name: Name): number {
    return this.#state.rows.get(addressKey(this.#address(name)))?.row.seq ?? 0
  }

  #open({ name, ...write }: Beginning): BeginRequest {
    const op = `${this.integration}-o${this.#begun.length}`
    const kind = write.fingerprint === 'absent' ? ('delete' as const) : ('put' as const)
    const request = { op, address: this.#address(name), kind, ...write }
    this.#begun.push(request)
    return request
  }

  /** Draws what the step speaks of from what was begun and claimed so far. */
  #resolve(step: Step): Perform {
    switch (step.kind) {
      case 'nothing':
        return async () => null
      case 'begin': {
        const once = step.writes.map((write) => this.#open(write))
        const requests = step.twice ? [...once, ...once] : once
        return ({ ledger }) => Promise.all(requests.map((request) => ledger.begin(request)))
      }
      case 'begin-again': {
        const request = this.#begun.at(-1 - step.latest)
        return async ({ ledger }) => request && ledger.begin(request)
      }
      case 'finish': {
        const begun = this.#begun.at(-1 - step.latest)
        if (begun === undefined) return async () => null
        const { op, address } = begun
        const knownSeq = step.knownSeq === null ? null : this.#seq(address.name as Name) + step.knownSeq
        const { outcome, versions } = step
        return ({ ledger }) => ledger.finish({ op, address, outcome, versions, knownSeq })
      }
      case 'finish-stranger': {
        const address = this.#address(step.name)
        return ({ ledger }) =>
          ledger.finish({ op: `${this.integration}-stranger`, address, outcome: 'clean', versions: {}, knownSeq: null })
      }
      case 'claim': {
        const { source, only, neverCopied, limit, lease } = step
        const after = neverCopied?.after ? this.#address(neverCopied.after) : null
        // One secret by its name comes before an order of names.
        const which = only !== null ? { only: this.#address(only) } : neverCopied && { neverCopied: { after } }
        return ({ ledger }) => ledger.claim({ integration: this.integration, source, limit, lease, ...which })
      }
      case 'settled': {
        const claimed = this.#claimed.at(-1 - step.latest)
        if (claimed === undefined) return async () => null
        const { address, ids } = claimed
        return async ({ ledger }, which) => {
          const request = { op: ids[which], address, result: step.result }
          return (await ledger.settled([request])).of(request)
        }
      }
      case 'known': {
        const [address, seq] = [this.#address(step.name), this.#seq(step.name) + step.seq]
        return async ({ ledger }) => {
          await ledger.known(address, seq)
          return null
        }
      }
      case 'become':
        return ({ become }) => become(this.integration, step.next as IntegrationState)
      case 'see':
        return ({ see }) => see(this.#address(step.name), step.side)
      case 'accept':
        return ({ accept }) => accept(this.integration)
    }
  }

  /** Of debts with the same rank the simulated ledger takes the one that was made first. */
  #follow(claims: readonly Claim[]): void {
    const chosen = claims.map(({ address }) => addressKey(address))
    const entries = [...this.#state.rows].sort(([a], [b]) => Number(chosen.includes(b)) - Number(chosen.includes(a)))
    this.#state.rows.clear()
    for (const [key, value] of entries) this.#state.rows.set(key, value)
  }

  #remember(theirs: readonly Claim[], ours: readonly Claim[]): void {
    for (const { op, address } of theirs) {
      const same = ours.find((claim) => claim.address.name === address.name)
      if (same === undefined) continue
      const label = `claim ${this.#claimed.length}`
      this.#labels.set(op, label).set(same.op, label)
      this.#claimed.push({ address, ids: { sql: op, sim: same.op } })
    }
  }

  #form(answer: unknown): string {
    if (!Array.isArray(answer)) return canonical(answer ?? null)
    const named = answer.map((each) =>
      each !== null && 'op' in each ? { ...each, op: this.#labels.get(each.op) ?? each.op } : each,
    )
    return canonical(named.some((each) => each !== null && 'op' in each) ? named.sort(byName) : named)
  }
}

const byName = (a: Claim, b: Claim): number => (a.address.name < b.address.name ? -1 : 1)

const byAddress = (debts: readonly Debt[], integration: string): string =>
  canonical(
    debts
      .filter(({ address }) => address.integration === integration)
      .sort((a, b) => (addressKey(a.address) < addressKey(b.address) ? -1 : 1)),
  )
