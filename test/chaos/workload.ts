import type { Address } from '../../backends/secret.ts'
import type { Random } from '../../bin/embedded/sample/random.ts'
import type { Clock } from '../../core/clock.ts'
import type { Balancer } from './balancer.ts'
import type { HistoryRecord, Told } from './history.ts'
import { type Act, type Acted, act } from './operations.ts'
import { SECRETS } from './secrets.ts'

/** How operations ended so far. */
export interface Counts {
  /** Operations that ended. */
  ops: number
  acknowledged: number
  unknown: number
  failed: number
  /** Reads that the phase's own side did not answer. */
  againstPhase: number
  /** Refusals by code. */
  readonly refusals: Map<string, number>
}

export interface Workload {
  readonly counts: Counts
  readonly records: readonly HistoryRecord[]
  /** Resolves when all operations have been begun and have ended. */
  readonly done: Promise<void>
}

export interface WorkloadOptions {
  readonly ops: number
  readonly clients: number
  readonly balancer: Balancer
  readonly random: Random
  readonly clock: Clock
  /** Operations a second, as of now. */
  readonly rate: (begun: number) => number
  readonly signal: AbortSignal
}

/** Of a hundred operations; a `replace` is a read and a conditional put, and counts as two. */
const MIX: readonly Act[] = [
  ...Array<Act>(50).fill('get'),
  ...Array<Act>(37).fill('put'),
  ...Array<Act>(10).fill('delete'),
  ...Array<Act>(3).fill('replace'),
]
/** Of a hundred operations, so many go to a secret that somebody is busy with, and so many to one just written. */
const JOINING = 35
const FOLLOWING = 25
/** How many were just written. */
const RECENT = 6
/** A client that was refused waits about as long as `Retry-After` says. */
const BACK_OFF_MS = 1000

/** Clients that act beside each other; together they keep to the rate. */
export function startWorkload(options: WorkloadOptions): Workload {
  const { ops, clients, balancer, random, clock, signal } = options
  const records: HistoryRecord[] = []
  const counts: Counts = { ops: 0, acknowledged: 0, unknown: 0, failed: 0, againstPhase: 0, refusals: new Map() }
  const busy: Address[] = []
  const recent: Address[] = []
  let begun = 0
  let ids = 0
  const pace = makePace(options)

  const pick = (): Address => {
    const chance = random.below(100)
    if (busy.length > 0 && chance < JOINING) return random.pick(busy)
    return recent.length > 0 && chance < JOINING + FOLLOWING ? random.pick(recent) : skewed(random)
  }
  const count = ({ record, code, againstPhase }: Acted): void => {
    records.push(...record)
    const told = toldOf(record, code)
    counts.ops += 1
    counts[told] += 1
    if (againstPhase) counts.againstPhase += 1
    if (code !== null) counts.refusals.set(code, (counts.refusals.get(code) ?? 0) + 1)
  }

  const client = async (): Promise<void> => {
    while (begun < ops && !signal.aborted) {
      const kind = random.pick(MIX)
      begun += kind === 'replace' ? 2 : 1
      const id = `op${++ids}`
      await pace(begun)
      const replica = await balancer.take()
      const address = pick()
      busy.push(address)
      const acted = await act(kind, { id, address, replica, random, clock })
      busy.splice(busy.indexOf(address), 1)
      if (kind !== 'get') recent.unshift(address)
      recent.length = Math.min(recent.length, RECENT)
      balancer.give(replica, acted.at(-1)?.code ?? null)
      for (const one of acted) count(one)
      // A replace that found nothing to replace was one operation.
      if (kind === 'replace' && acted.length === 1) begun -= 1
      if (acted.some(({ code }) => code !== null && code !== 'precondition-failed')) {
        await clock.sleep(BACK_OFF_MS / 2 + random.below(BACK_OFF_MS), signal).catch(() => undefined)
      }
    }
  }
  const done = Promise.all(Array.from({ length: clients }, client)).then(() => undefined)
  return { counts, records, done }
}

/** Reads have no record if they failed: nothing was seen. */
function toldOf(records: readonly HistoryRecord[], code: string | null): Told {
  const write = records.find((record) => record.kind === 'write')
  return write?.told ?? (code === null ? 'acknowledged' : 'failed')
}

/** Some secrets are asked for far more often than others. */
function skewed(random: Random): Address {
  const place = (random.below(1_000_000) / 1_000_000) ** 2
  return SECRETS[Math.floor(place * SECRETS.length)] as Address
}

function makePace({ clock, rate, signal }: WorkloadOptions): (begun: number) => Promise<void> {
  let next = clock.monotonic()
  return async (begun) => {
    const now = clock.monotonic()
    next = Math.max(next, now - 50) + 1000 / rate(begun)
    if (next > now) await clock.sleep(next - now, signal).catch(() => undefined)
  }
}
