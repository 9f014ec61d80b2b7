import { makeRandom } from '../../bin/embedded/sample/random.ts'
import type { Clock } from '../../core/clock.ts'
import { needs } from '../support/parts.ts'
import { makeBalancer } from './balancer.ts'
import { LIMITS } from './configuration.ts'
import { FAULTS, type FaultKind, type Plan, planFaults, runLane } from './faults.ts'
import { lookAtAll } from './final.ts'
import { type Finding, type HistoryRecord, judge, overlapOf } from './history.ts'
import { type Left, makeOperator, type Operator } from './operator.ts'
import type { Order } from './order.ts'
import { exitOf, makeReport, type Report, shareOf, timesOf } from './report.ts'
import { placeOf, SEEDS, seedIdentity } from './secrets.ts'
import { compareSides } from './sides.ts'
import { type ChaosSystem, startSystem } from './system.ts'
import { startWorkload, type Workload } from './workload.ts'

export interface Runner {
  readonly clock: Clock
  readonly note: (text: string) => void
  readonly signal: AbortSignal
  /** A program that takes the place of `crossfade serve`, expected to be wrong: the run ends when that was seen. */
  readonly program?: readonly string[]
}

/** Clients at once; many, because those that were refused wait. A shorter run has a lower rate, and fewer of them. */
const CLIENTS = { least: 12, full: 40 } as const
/** The part of all clients that one replica may hold up. */
const HELD = 0.25
/** More often than a run must meet each fault. */
const SPARE = 1
const FULL_FLIPS = 110
const NUDGE_MS = 4000
const LOOK_MS = 1000
const REACHED_MS = 50
/** I2: with nothing broken, every debt is settled by then. */
const SETTLE_MS = 45_000
/** What is wrong on purpose need not be waited for. */
const BROKEN_SETTLE_MS = 3000
const RATE = { least: 20, most: 600 } as const

/** One run, from a fresh system to its report. Rejects if it could not be run to its end. */
export async function run(order: Order, runner: Runner): Promise<Report> {
  const redis = needs('redis-server')
  if (order.replicas > 1 && redis.skip !== false) throw new Error(redis.skip)
  runner.note(`starting ${order.replicas} replica(s) over ${order.pair}${order.replicas > 1 ? ', with Redis' : ''}`)
  const { program } = runner
  const { replicas, pair } = order
  const options = { replicas, pair, redis: redis.path, ...(program === undefined ? {} : { program }) }
  const system = await startSystem(options)
  let keep = true
  try {
    const report = await runOn(system, order, runner)
    keep = order.keep || (program === undefined && exitOf(report) === 3)
    return report
  } finally {
    if (keep) runner.note(`kept in ${system.folder}`)
    await system.stop({ keep })
  }
}

async function runOn(system: ChaosSystem, order: Order, runner: Runner): Promise<Report> {
  const { clock, note, signal } = runner
  const started = clock.monotonic()
  const { replicas } = system
  const randomOf = (what: string) => makeRandom(`${what} of ${order.seed}`)
  const plan = planFaults(timesOf(order.ops) + SPARE, system.redis !== null)
  const operator = makeOperator({ replicas, random: randomOf('operator'), clock, signal })
  const until = clock.monotonic() + plan.takes
  const clients = Math.max(CLIENTS.least, Math.round(CLIENTS.full * shareOf(order.ops)))
  const full = replicas.length === 1 ? clients : clients * HELD
  const seen = new AbortController()
  const workload = startWorkload({
    ops: order.ops,
    clients,
    balancer: makeBalancer({ replicas, random: randomOf('balancer'), clock, full }),
    random: randomOf('workload'),
    clock,
    rate: (begun) => rateFor(order.ops - begun, until - clock.monotonic()),
    signal: AbortSignal.any([signal, seen.signal]),
  })
  if (runner.program !== undefined) void watch(workload, seen, runner)
  note('clients act; every integration is enrolled and copied')
  await operator.migrateAll()
  note(`faults and flips for about ${Math.round(plan.takes / 1000)} s`)
  const faults = await disturb(system, order, plan, { operator, workload, runner, isOver: () => seen.signal.aborted })
  note('everything works again')
  await workload.done
  await operator.flipBetween()
  const left = await settled(operator, runner)
  const last = await lookAtAll(replicas, clock)
  const differences = await compareSides((replicas[0] as (typeof replicas)[0]).config, clock)
  await Promise.all(replicas.map(({ tally }) => tally.look()))
  const records = [...workload.records, ...last]
  const findings = judge(initial(), records, { lease: LIMITS.operationLease })
  for (const finding of findings) note(tell(finding, records))
  for (const difference of differences) note(`sides differ: ${JSON.stringify(difference)}`)
  return makeReport(
    {
      counts: workload.counts,
      findings,
      differences,
      left,
      debtsMade: replicas.reduce((sum, { tally }) => sum + tally.total('crossfade_debts_made_total'), 0),
      flips: operator.flips(),
      faults,
      overlap: overlapOf(workload.records),
      seconds: (clock.monotonic() - started) / 1000,
    },
    { hasRedis: system.redis !== null },
  )
}

/** The operations that are left, over the time that is left; a tail without faults would prove little. */
const rateFor = (left: number, ms: number): number =>
  Math.min(RATE.most, Math.max(RATE.least, (left * 1000) / Math.max(ms, 1000)))

const initial = () => new Map(SEEDS.map((address) => [placeOf(address), seedIdentity(address)]))

/** Everything that goes wrong and changes, until all faults have struck. */
async function disturb(
  system: ChaosSystem,
  order: Order,
  plan: Plan,
  {
    operator,
    workload,
    runner,
    isOver,
  }: {
    readonly operator: Operator
    readonly workload: Workload
    readonly runner: Runner
    readonly isOver: () => boolean
  },
): Promise<Readonly<Record<FaultKind, number>>> {
  const { clock, note, signal } = runner
  const faults = Object.fromEntries(Object.keys(FAULTS).map((kind) => [kind, 0])) as Record<FaultKind, number>
  const over = new AbortController()
  const until = AbortSignal.any([over.signal, signal])
  const every = async (ms: number, work: () => Promise<unknown>): Promise<void> => {
    while (!until.aborted) {
      await clock.sleep(ms, until).catch(() => undefined)
      if (!until.aborted) await work()
    }
  }
  const reached = async (part: number): Promise<void> => {
    while (workload.counts.ops < part * order.ops && !isOver()) await clock.sleep(REACHED_MS, signal)
  }
  const lanes = plan.lanes.map((lane, index) =>
    runLane(lane, {
      system,
      random: makeRandom(`lane ${index} of ${order.seed}`),
      pause: (ms) => clock.sleep(ms, signal),
      reached,
      isOver,
      struck: (kind) => {
        faults[kind] += 1
        note(`${kind} ${faults[kind]}`)
      },
    }),
  )
  const flips = Math.max(24, FULL_FLIPS * shareOf(order.ops))
  const flipping: Promise<void>[] = []
  const beside = [
    every(plan.takes / flips, async () => void flipping.push(operator.flip())),
    every(NUDGE_MS, () => operator.nudge()),
    every(LOOK_MS, () => Promise.all(system.replicas.map(({ tally }) => tally.look()))),
  ]
  try {
    await Promise.all(lanes)
  } finally {
    over.abort()
    await Promise.allSettled([...beside, ...lanes])
    await Promise.all(flipping)
  }
  return faults
}

/**
 * Looks at the history while it is made. Writes on their way are not in it yet, but what was replaced by an acknowledged
 * write stays replaced, whatever else there is.
 */
async function watch({ records, done }: Workload, seen: AbortController, { clock, signal }: Runner): Promise<void> {
  let running = true
  void done.then(() => {
    running = false
  })
  while (running && !seen.signal.aborted && !signal.aborted) {
    await clock.sleep(LOOK_MS, signal).catch(() => undefined)
    const findings = judge(initial(), records, { lease: LIMITS.operationLease })
    if (findings.some(({ read, replacedBy }) => read.value !== null && replacedBy !== null)) seen.abort()
  }
}

/** Waits until nothing is owed; what is left when the time is over is reported. */
async function settled(operator: Operator, { clock, note, signal, program }: Runner): Promise<Left> {
  const limit = program === undefined ? SETTLE_MS : BROKEN_SETTLE_MS
  const started = clock.monotonic()
  for (;;) {
    const left = await operator.left()
    const over = clock.monotonic() - started > limit
    if (over || left.owed + left.quarantined + left.mismatched === 0) {
      note(`${((clock.monotonic() - started) / 1000).toFixed(1)} s later: ${JSON.stringify(left)}`)
      return left
    }
    await clock.sleep(250, signal)
  }
}

/** A finding and what happened to its secret around it. */
function tell({ kind, read, why, replacedBy }: Finding, records: readonly HistoryRecord[]): string {
  const near = records
    .filter(({ secret, to, from }) => secret === read.secret && to > read.from - 4000 && from < read.to + 100)
    .toSorted((a, b) => a.from - b.from)
    .map((record) => `    ${line(record)}`)
  const by = replacedBy === null ? '' : `, replaced by ${replacedBy.id}`
  return `${kind}: ${read.secret} ${read.id} read ${read.value ?? 'nothing'}: ${why}${by}\n${near.join('\n')}`
}

function line(record: HistoryRecord): string {
  const what = record.kind === 'read' ? 'read' : `${record.value === null ? 'delete' : 'put'} ${record.told}`
  return `${record.from.toFixed(0)}-${record.to.toFixed(0)} ${record.id} ${what} ${record.value ?? 'nothing'} (${record.note})`
}
