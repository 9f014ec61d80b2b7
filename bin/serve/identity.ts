import type { Store } from '../../backends/store.ts'
import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/fault.ts'
import { SIDES } from '../../core/side.ts'
import type { Enrolment } from '../../ledger/enrolment.ts'
import { ledgerFault } from '../../ledger/faults.ts'
import type { IntegrationRow } from '../../ledger/ledger.ts'
import type { Enrolments } from '../../ledger/postgres/enrolments.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { type ConfigProblem, configProblems, faultOf, isHeld, leftOut } from './configured.ts'
import { enrolmentOf } from './enrolments.ts'
import { isOver } from './fingerprint-key.ts'
import { type KeyChecks, keyChecksOf } from './key-checks.ts'
import { configuredOtherwise, differsIn, isSameKey, type Runs, saidIntegration } from './said-runs.ts'
import { makeStoreIds } from './store-ids.ts'

/*
 * Whether this process is configured as the ledger was told, and as the others are. Judged before it joins and again after,
 * since an integration may be enrolled in between; then at every change of a state. A process that turns out to be
 * another one than it should be while it runs uses the stores in question no more, and is not ready.
 */
export interface Identity {
  /** May this store be used; see `GuardDeps`. */
  admits(store: string): boolean | Promise<boolean>
  /** Throws what is wrong with the keys or the configuration, in words; `replica-differs` where a live one has it otherwise. */
  judge(): Promise<void>
  /** After joining: says what this one runs, and judges again. */
  admit(): Promise<void>
  /** Looks again if a state or an answer of a store has changed, and says what changed here. Never rejects. */
  follow(): Promise<void>
  /** The start waits for this; null: for something else. */
  waits(on: Fault | null): void
  /** What is wrong now; empty: it is configured as it was enrolled. */
  problems(): readonly string[]
  /** What the ledger holds and this configuration does not name. */
  leftOut(): readonly IntegrationRow[]
  /** What would be wrong with another configuration. */
  judgeNext(next: CrossfadeConfig): Promise<void>
  /** What an integration is enrolled with from here. Throws `store-silent`. */
  enrolment(integration: string): Promise<Enrolment>
  /** Throws `replica-differs` if a live replica has this integration otherwise, or has it not. */
  assertAlike(integration: string): Promise<void>
  /** Live replicas that have this integration in their configuration; this one too. */
  servedBy(integration: string): Promise<readonly string[]>
  /** In what live replicas differ from this one, by name; those that do not are left out. */
  differing(): Promise<ReadonlyMap<string, readonly string[]>>
}

export interface IdentityParts {
  readonly config: CrossfadeConfig
  readonly self: { readonly id: string; readonly name: string }
  readonly integrations: () => Promise<readonly IntegrationRow[]>
  /** What is known of the states without asking. */
  readonly remembered: (integration: string) => IntegrationRow | undefined
  readonly enrolments: Enrolments<Runs>
  readonly stores: () => ReadonlyMap<string, Pick<Store, 'identity'>>
  /** The cohorts and phases that run here. */
  readonly runs: () => Pick<Runs, 'cohorts' | 'phases'>
  readonly clock: Clock
  /** Told when what is wrong has changed while it runs. */
  readonly onProblems: (problems: readonly string[]) => void
}

/** ms after which it is said again what runs here: the row may have been swept. */
const SAY_AGAIN = 5000

export function makeIdentity(parts: IdentityParts): Identity {
  const { config, self, enrolments, clock } = parts
  const checks = keyChecksOf(config)
  let rows: readonly IntegrationRow[] = []
  let recorded: ReadonlyMap<string, Enrolment> = new Map()
  let problems: readonly ConfigProblem[] = []
  let seen = ''
  let waiting: Fault | null = null
  let told = { what: '', at: Number.NEGATIVE_INFINITY }

  const ids = makeStoreIds({ stores: parts.stores, clock, onAnswer: () => evaluate() })
  const viewOf = (of: CrossfadeConfig) => ({ config: of, rows, recorded, idOf: ids.of })

  const evaluate = (): void => {
    const before = wordsOf(problems)
    problems = configProblems(viewOf(config))
    const refused = new Set(problems.flatMap(({ integration }) => storesOf(config, integration)))
    ids.guard(unasked(config, rows, recorded, ids.of), refused)
    if (wordsOf(problems) !== before) parts.onProblems(problems.map(({ words }) => words))
  }
  const look = async (): Promise<void> => {
    rows = await parts.integrations()
    recorded = await enrolments.all()
    evaluate()
  }
  const mine = (): Runs => ({
    ...parts.runs(),
    keys: { ...checks, fingerprint: isOver(config, rows, null) ? null : checks.fingerprint },
    integrations: Object.fromEntries(
      Object.keys(config.integrations).map((name) => [name, saidIntegration(enrolmentOf(config, name, () => null))]),
    ),
  })
  const others = async () => (await enrolments.said()).filter(({ name }) => name !== self.name)

  const judge = async (): Promise<void> => {
    await look()
    await ids.learn(unasked(config, rows, recorded, ids.of))
    evaluate()
    await claimKeys(checks, { enrolments, rows, others })
    if (problems.length > 0) throw faultOf(problems)
    const own = mine()
    const found = (await others()).flatMap(({ name, runs }) =>
      configuredOtherwise(own, runs).map((words) => `${name}: ${words}`),
    )
    if (found.length > 0) throw ledgerFault('replica-differs', found.join('; '))
  }
  const say = async (): Promise<void> => {
    const runs = mine()
    const what = JSON.stringify(runs)
    const now = clock.monotonic()
    if (what === told.what && now - told.at < SAY_AGAIN) return
    // A process that only works is registered nowhere, and nobody asks what it runs.
    await enrolments.say(self.id, runs)
    told = { what, at: now }
  }

  return {
    admits: ids.admits,
    judge,
    admit: async () => {
      await say()
      await judge()
      waiting = null
    },
    follow: async () => {
      try {
        await say()
        const now = [...rows.map(({ integration }) => integration), ...Object.keys(config.integrations)]
          .map((name) => `${name} ${parts.remembered(name)?.epoch ?? 0}`)
          .join()
        if (now === seen) return
        await look()
        seen = now
      } catch {
        // Without the ledger nothing changes.
      }
    },
    waits: (on) => {
      waiting = on
    },
    problems: () => [...(waiting === null ? [] : [waiting.message]), ...problems.map(({ words }) => words)],
    leftOut: () => leftOut({ config, rows }),
    judgeNext: async (next) => {
      const checked = keyChecksOf(next)
      if (!isSameKey(checked.fingerprint, checks.fingerprint)) throw otherFingerprintKey('this process')
      if (checked.etag !== checks.etag) throw otherEtagKey('this process')
      await look().catch(() => undefined)
      const found = configProblems(viewOf(next))
      if (found.length > 0) throw faultOf(found)
    },
    enrolment: async (integration) => {
      const stores = storesOf(config, integration)
      if (!(await ids.make(stores))) throw ledgerFault('store-silent', stores.join(' or '))
      return enrolmentOf(config, integration, (store) => ids.of(store) ?? null)
    },
    assertAlike: async (integration) => {
      const own = mine()
      const only = {
        ...own,
        integrations: { [integration]: own.integrations[integration] as Runs['integrations'][string] },
      }
      const found = (await others()).flatMap(({ name, runs }) =>
        unlike(only, runs, integration).map((words) => `${name}: ${words}`),
      )
      if (found.length > 0) throw ledgerFault('replica-differs', found.join('; '))
    },
    servedBy: async (integration) =>
      (await enrolments.said())
        .filter(({ runs }) => Object.hasOwn(runs.integrations, integration))
        .map(({ name }) => name),
    differing: async () => {
      const own = mine()
      const all = (await others()).map(({ name, runs }) => [name, differsIn(own, runs)] as const)
      return new Map(all.filter(([, words]) => words.length > 0))
    },
  }
}

const wordsOf = (problems: readonly ConfigProblem[]): string => problems.map(({ words }) => words).join()

const storesOf = ({ integrations }: Pick<CrossfadeConfig, 'integrations'>, name: string): readonly string[] =>
  Object.hasOwn(integrations, name) ? SIDES.map((side) => integrations[name]?.[side] ?? '') : []

/** Stores of which the ledger remembers what they say, and which were not asked. */
function unasked(
  config: CrossfadeConfig,
  rows: readonly IntegrationRow[],
  recorded: ReadonlyMap<string, Enrolment>,
  idOf: (store: string) => string | null | undefined,
): ReadonlySet<string> {
  const held = rows.filter(
    ({ integration, state }) => state !== 'bare' && Object.hasOwn(config.integrations, integration),
  )
  return new Set(
    held.flatMap(({ integration }) => {
      const was = recorded.get(integration)
      const stores = SIDES.filter((side) => was !== undefined && was[side].id !== null)
      return stores
        .map((side) => config.integrations[integration]?.[side] ?? '')
        .filter((store) => idOf(store) === undefined)
    }),
  )
}

/** In what another replica keeps an integration from being enrolled. */
function unlike(mine: Runs, its: Runs, integration: string): readonly string[] {
  return [
    ...(Object.hasOwn(its.integrations, integration)
      ? configuredOtherwise(mine, its)
      : [`${integration} is not configured there`]),
    ...(isSameKey(mine.keys.fingerprint, its.keys.fingerprint) ? [] : ['it has another fingerprint key']),
    ...(mine.keys.etag === its.keys.etag ? [] : ['it has another ETag key']),
  ]
}

const otherFingerprintKey = (whose: string) =>
  ledgerFault('fingerprint-key-differs', `ledger.fingerprint_key_file: ${whose} has another one`)
const otherEtagKey = (whose: string) => ledgerFault('etag-key-differs', `etag.key_file: ${whose} has another one`)

/** The fingerprint key may be another one only while nothing is enrolled and nobody uses one. */
async function claimKeys(
  checks: KeyChecks,
  parts: {
    readonly enrolments: Pick<Enrolments<Runs>, 'claimKey'>
    readonly rows: readonly IntegrationRow[]
    readonly others: () => Promise<readonly { readonly name: string; readonly runs: Runs }[]>
  },
): Promise<void> {
  const { enrolments, rows } = parts
  const said = await parts.others()
  const etag = said.find(({ runs }) => runs.keys.etag !== checks.etag)
  if (etag !== undefined) throw otherEtagKey(`replica ${etag.name}`)
  if ((await enrolments.claimKey('etag', checks.etag, false)) !== checks.etag) throw otherEtagKey('the ledger')
  if (checks.fingerprint === null) return
  const fingerprint = said.find(({ runs }) => !isSameKey(runs.keys.fingerprint, checks.fingerprint))
  if (fingerprint !== undefined) throw otherFingerprintKey(`replica ${fingerprint.name}`)
  const isFree = rows.every(({ state }) => !isHeld(state))
  const kept = await enrolments.claimKey('fingerprint', checks.fingerprint, isFree)
  if (kept !== checks.fingerprint) throw otherFingerprintKey('the ledger')
}
