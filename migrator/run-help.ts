import type { Clock } from '../core/clock.ts'
import type { RunRecords, RunRow } from '../ledger/postgres/runs.ts'
import type { Place } from './migrate.ts'
import type { Progress } from './progress.ts'
import { ORDERS, type RunKind } from './stages.ts'
import { emptyTally, help, type Sweep, type SweepDeps } from './sweep.ts'

/*
 * Copying is spread over the workers: beside the slice that leads, each other worker may take the never-copied secrets that
 * lie behind the place where the run began its slice. Claims skip what another one holds, so that the two never fight over a
 * secret; what a helper that died held is claimable when its lease ends, and the run does not end before that was settled.
 */
export interface HelpDeps extends SweepDeps {
  readonly records: Pick<RunRecords, 'get' | 'help'>
  readonly clock: Clock
  /** ms. */
  readonly slice: number
}

/** ms between two reports of what was settled. */
const TELL = 500

/** Helps for one slice, if the run copies. Never rejects. */
export async function helpRun(deps: HelpDeps, id: string, stop: AbortSignal): Promise<void> {
  const row = await deps.records.get(id).catch(() => null)
  if (row === null || !isCopying(row)) return
  const over = new AbortController()
  const ended = new AbortController()
  const until = deps.clock.monotonic() + deps.slice
  let settled = 0
  let told = 0
  const tell = async (): Promise<void> => {
    const more = settled - told
    const answer = await deps.records.help(id, more)
    told += more
    if (answer?.wanted !== 'run' || deps.clock.monotonic() >= until || stop.aborted) over.abort()
  }
  const pulse = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await deps.clock.sleep(TELL, AbortSignal.any([ended.signal, stop])).catch(() => undefined)
      await tell().catch(() => over.abort())
      if (stop.aborted) return
    }
  }
  const telling = pulse()
  const counted = {
    ...deps,
    onSettled: (...args: Parameters<NonNullable<SweepDeps['onSettled']>>) => {
      if (args[1] === 'equal' || args[1] === 'quarantine') settled += args[2]
      deps.onSettled?.(...args)
    },
  }
  // What goes wrong here is met again by who leads, who has the patience for it.
  await help({ ...workOf(counted, row), watch: quietly(over.signal) }).catch(() => undefined)
  ended.abort()
  await telling
}

const isCopying = ({ wanted, endedAt, progress }: RunRow): boolean =>
  wanted === 'run' && endedAt === null && (progress as Progress | null)?.stage === 'backfill'

function workOf(deps: SweepDeps, row: RunRow) {
  const { sweep } = ((row.place as Place).from ?? {}) as { readonly sweep?: Sweep }
  const wanted = { integration: row.integration, source: ORDERS[row.kind as RunKind].source }
  const names = { after: sweep?.names?.after ?? null }
  const patience = { wait: async () => false, well: () => undefined, idle: () => 0 }
  const tally = emptyTally()
  const start: Sweep = { since: '', debts: 0, total: 0, troubles: 0, taken: 0, names }
  return { deps, wanted, patience, tally, sweep: start, batch: deps.batch, reason: null }
}

const quietly = (over: AbortSignal) => ({
  signal: new AbortController().signal,
  over,
  from: null,
  helped: () => 0,
  progress: () => undefined,
  waiting: () => undefined,
  throttled: () => undefined,
})
