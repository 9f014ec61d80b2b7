import { type Address, addressKey } from '../../backends/secret.ts'
import { isFault } from '../../core/fault.ts'
import type { Side } from '../../core/side.ts'
import {
  checkAgreement,
  checkBoth,
  checkCopied,
  checkEnd,
  checkForeign,
  checkReads,
  heldText,
  type Tampered,
  Violation,
} from './checks.ts'
import type { History, Told } from './history.ts'
import { plant, secretOf, startsForeign } from './plant.ts'
import { at, LEASES, type Parts, type Process, REAL_PARTS, type Surroundings, startProcess } from './process.ts'
import { makeRules, type RowRules } from './row-rules.ts'
import { type Client, type Disturbance, NAMES, type Operation, PROCESSES, type Scenario } from './scenario.ts'
import { makeSimBus } from './sim-bus.ts'
import { enrolAll } from './sim-enrol.ts'
import { makeLedgerState } from './sim-ledger.ts'
import { makeSimStore, text } from './sim-store.ts'
import { makeWorld, type World } from './world.ts'

/** What a mutant replaces; nothing, for the real thing. */
export interface Mutation {
  readonly rules?: (rules: RowRules) => Partial<RowRules>
  readonly parts?: Partial<Parts>
}

export interface Outcome {
  readonly steps: number
  readonly violation: Violation | null
  readonly story: readonly string[]
}

/** One run: the same scenario gives the same steps, always. */
export async function simulate(scenario: Scenario, mutation: Mutation = {}): Promise<Outcome> {
  const run = new Run(scenario, mutation)
  try {
    return { steps: await run.all(), violation: null, story: run.world.story }
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    return { steps: run.world.story.length, violation: error, story: run.world.story }
  }
}

class Run {
  readonly world: World
  readonly #scenario: Scenario
  readonly #around: Surroundings
  readonly #processes: Process[] = []
  readonly #incarnations: number[] = []
  readonly #histories = new Map<string, History>()
  /** Operations whose process is alive: a crash makes them unknown. */
  readonly #open = new Map<string, { readonly owner: string; readonly history: History }>()
  /** What reads return of these is nobody's promise any more. */
  readonly #tampered = new Map<string, Tampered>()
  /** Compare-and-set writes that have not landed yet, and the value that each named. */
  readonly #named = new Map<string, string | null>()
  #failure: unknown = null
  #ids = 0

  constructor(scenario: Scenario, mutation: Mutation) {
    this.#scenario = scenario
    this.world = makeWorld(scenario.choices)
    this.#around = {
      world: this.world,
      ledger: makeLedgerState(makeRules(mutation.rules)),
      stores: {
        legacy: makeSimStore(this.world, 'legacy', scenario.kinds.legacy, this.#onLand),
        new: makeSimStore(this.world, 'new', scenario.kinds.new, this.#onLand),
      },
      bus: makeSimBus(this.world),
      parts: { ...REAL_PARTS, ...mutation.parts },
    }
    for (const name of NAMES) this.#histories.set(name, plant(this.#around, scenario, name))
  }

  async all(): Promise<number> {
    this.world.setCalm(true)
    for (let i = 0; i < PROCESSES; i += 1) this.#start(i)
    let steps = await this.world.run(() => undefined)
    this.world.setCalm(false)
    for (const client of this.#scenario.clients) this.#watch(this.#client(client))
    if (this.#scenario.start === 'enrolling') this.#watch(this.#enrol())
    for (const disturbance of this.#scenario.disturbances) this.#watch(this.#disturb(disturbance))
    steps += await this.world.run(() => this.#check())
    this.world.setCalm(true)
    steps += await this.#wind()
    for (const [name, history] of this.#histories) {
      if (!this.#tampered.has(name)) checkEnd(this.#around, this.#processes, name, history)
    }
    return steps
  }

  /** Faults stop: leases end, replicas return, and settle goes on until nothing is owed. */
  async #wind(): Promise<number> {
    let steps = 0
    for (let pass = 0; pass < 6; pass += 1) {
      for (const process of this.#processes) {
        this.#around.bus.setHearing(process.owner, true)
        void process.replica
          .refresh()
          .then(() => process.settle())
          .catch(() => undefined)
      }
      this.world.later('', () => undefined, 2 * LEASES.replica)
      steps += await this.world.run(() => this.#check())
    }
    return steps
  }

  /** As often as it takes: whoever leads it may lose the ledger. */
  async #enrol(): Promise<void> {
    await this.world.step(null, '', () => undefined)
    await enrolAll(this.#around, () => this.#processes)
  }

  /** What a client saw counts as soon as the step that showed it has ended. */
  #watch(task: Promise<void>): void {
    void task.catch((error: unknown) => {
      this.#failure ??= error
    })
  }

  /** A compare-and-set write replaces only the value that it named; judged when its put reaches the register. */
  readonly #onLand = (side: Side, address: Address, value: string): void => {
    const named = this.#named.get(value)
    const row = this.#around.ledger.rows.get(addressKey(address))?.row
    if (named === undefined || row === undefined || row.first !== side) return
    this.#named.delete(value)
    const there = heldText(this.#around, row.fresh === 'both' ? side : row.fresh, address.name)
    // A settle that fences its source writes again what is there.
    if (there === named || there === value || this.#tampered.has(address.name)) return
    this.#failure ??= new Violation(
      `If-Match: ${value} named ${named ?? 'nothing'}, and replaced ${there ?? 'nothing'}`,
    )
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure
    for (const [name, history] of this.#histories) {
      const tampered = this.#tampered.get(name)
      if (tampered !== undefined) {
        checkCopied(this.#around, name, tampered, history)
        continue
      }
      checkBoth(this.#around, name)
      if (startsForeign(this.#scenario.start)) checkForeign(this.#around, name, history)
      checkReads(this.#around, this.#processes, name, history)
      const open = [...this.#open.values()].some((o) => o.history === history)
      if (!open && history.decided()) checkAgreement(this.#around, this.#processes, name)
    }
  }

  #start(index: number): void {
    const incarnation = (this.#incarnations[index] ?? 0) + 1
    this.#incarnations[index] = incarnation
    const process = startProcess(this.#around, `r${index + 1}`, incarnation)
    this.#processes[index] = process
    void process.replica.refresh()
  }

  async #client({ process, operations }: Client): Promise<void> {
    for (const operation of operations) {
      await this.world.step(null, '', () => undefined)
      await this.#operate(process, operation)
    }
  }

  async #operate(index: number, operation: Operation): Promise<void> {
    const process = this.#processes[index] as Process
    const history = this.#histories.get(operation.name) as History
    process.setPhase(operation.phase)
    if (operation.kind === 'read') return this.#read(process, history, operation)
    this.#ids += 1
    const id = `w${this.#ids}`
    const compares = operation.kind === 'replace' || operation.kind === 'create'
    const value = operation.kind === 'delete' ? null : operation.repeated && !compares ? 'same' : id
    history.begin(id, value)
    this.#open.set(id, { owner: process.owner, history })
    this.world.tell(
      `${process.owner}: a client asks to ${operation.kind} ${operation.name}${value === null ? '' : ` = ${value}`} in ${operation.phase}`,
    )
    const told = await this.#write(process, operation, value)
    if (!this.#open.delete(id)) return
    this.world.tell(`${process.owner}: ${operation.kind} ${id} of ${operation.name} is ${told}`)
    history.end(id, told)
  }

  async #write(process: Process, { kind, name }: Operation, value: string | null): Promise<Told> {
    const { secrets } = process
    try {
      if (kind === 'delete') await secrets.remove(at(name), { kind: 'none' })
      else
        await secrets.write(
          at(name),
          secretOf(value as string),
          await this.#precondition(process, kind, name, value as string),
        )
      return 'acknowledged'
    } catch (error) {
      if (!isFault(error)) throw error
      return error.code === 'outcome-unknown' ? 'unknown' : 'failed'
    }
  }

  async #precondition(process: Process, kind: Operation['kind'], name: string, value: string) {
    if (kind !== 'replace' && kind !== 'create') return { kind: 'none' } as const
    this.#named.set(value, null)
    if (kind === 'create') return { kind: 'none-match' } as const
    const seen = await process.secrets.read(at(name))
    this.#named.set(value, seen.kind === 'found' ? text(seen.secret) : null)
    return { kind: 'match', etags: [seen.kind === 'found' ? seen.etag : 'nothing'] } as const
  }

  async #read(process: Process, history: History, { name, phase }: Operation): Promise<void> {
    const replaced = history.replaced()
    try {
      const result = await process.secrets.read(at(name))
      const value = result.kind === 'found' ? text(result.secret) : null
      this.world.tell(`${process.owner}: read of ${name} in ${phase} answers ${value ?? 'nothing'}`)
      if (!this.#tampered.has(name) && !history.allows(value, replaced)) {
        throw new Violation(
          `I1: a read of ${name} in ${phase} returned ${value ?? 'nothing'}, which an acknowledged write had replaced before it began`,
        )
      }
    } catch (error) {
      if (!isFault(error)) throw error
    }
  }

  async #disturb({ kind, process: index }: Disturbance): Promise<void> {
    await this.world.step(null, '', () => undefined)
    const process = this.#processes[index] as Process
    switch (kind) {
      case 'settle':
        await process.settle().catch(() => undefined)
        return
      case 'refresh':
        return process.replica.refresh()
      case 'time':
        return this.world.later('', () => undefined, LEASES.replica / 2)
      case 'deaf':
        this.world.tell(`${process.owner} hears nothing any more`)
        this.#around.bus.setHearing(process.owner, false)
        return process.replica.refresh()
      case 'crash':
        return this.#crash(index, process.owner)
      case 'tamper':
        return this.#tamper('b')
    }
  }

  /** Somebody who bypasses the proxy changes what a debt's fresh side holds; where the row knows better, it is never copied (I11). */
  #tamper(name: string): void {
    const row = this.#around.ledger.rows.get(addressKey(at(name)))?.row
    if (row === undefined || row.fresh === 'both' || row.current === null || Object.keys(row.ops).length > 0) return
    if (this.#tampered.has(name)) return
    this.#around.stores[row.fresh].plant(at(name), secretOf('tampered'))
    const { unsettled } = this.#histories.get(name) as History
    this.#tampered.set(name, { side: row.fresh, writes: unsettled(), unclear: row.loose })
    this.world.tell(`somebody changes ${name} at ${row.fresh} behind the proxy`)
  }

  #crash(index: number, owner: string): void {
    this.world.tell(`${owner} crashes`)
    this.world.crash(owner)
    for (const [id, open] of this.#open) {
      if (open.owner !== owner) continue
      this.#open.delete(id)
      open.history.end(id, 'unknown')
    }
    this.#start(index)
  }
}
