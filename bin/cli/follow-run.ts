import { isFault } from '../../core/fault.ts'
import type { Run } from '../../proxy/ops/work.ts'
import type { Exit } from './exit-codes.ts'
import type { Io } from './io.ts'
import { progressLine } from './progress-line.ts'
import type { Session } from './session.ts'

const POLL_MS = 500
/** Off a terminal a log is read later: a line now and then says enough. */
const LINE_MS = 5000

export const EXIT_OF_OUTCOME = {
  queued: 'interrupted',
  running: 'interrupted',
  paused: 'partial',
  done: 'ok',
  mismatches: 'mismatches',
  partial: 'partial',
  failed: 'error',
  cancelled: 'partial',
} as const satisfies Record<Run['outcome'], Exit>

/** Watches a run until it ends or is paused. Ctrl-C only stops the watching; the run belongs to the ledger. */
export const followRun = async (session: Session, first: Run): Promise<Exit> => {
  const { io, ops, report } = session
  const client = ops()
  const line = makeProgress(io)
  let run = first
  try {
    while (isMoving(run)) {
      line.show(run)
      await io.clock.sleep(POLL_MS, io.signal)
      const { run: latest } = await client.call('progress', { params: { integration: run.integration } }, io.signal)
      run = latest ?? run
    }
    line.end(run)
  } catch (error) {
    line.end(run)
    if (isFault(error)) report.note(comeBack(run, 'the run may go on without this command'))
    if (!io.signal.aborted) throw error
    report.note(comeBack(run, 'detached; the run goes on'))
  }
  if (run.message !== null) report.note(run.message)
  if (run.report !== undefined) report.data(completion(run.report))
  report.object(run)
  const quarantined = run.ended_at === null ? 0 : (run.counts?.quarantined ?? 0)
  if (quarantined > 0)
    report.note(`${quarantined} secrets are in quarantine, not copied: crossfade quarantine list ${run.integration}`)
  const uncompared = run.outcome === 'done' && run.stage === 'verify' ? (run.counts?.left ?? 0) : 0
  if (uncompared > 0)
    report.note(
      `${uncompared} secrets are owed by one side and were not compared, and what was open about them stays open: in off and complete that is on purpose`,
    )
  const next = nextCommand(run)
  if (next !== null) report.note(`next: ${next}`)
  return isRefused(run) ? 'refused' : EXIT_OF_OUTCOME[run.outcome]
}

/** It goes on by itself, or as soon as a worker takes it. */
export const isMoving = ({ outcome }: Run): boolean => outcome === 'queued' || outcome === 'running'

/** The proof was whole when the run began, and was not any more when it was judged. */
const isRefused = ({ outcome, message }: Run): boolean =>
  outcome === 'failed' && (message?.startsWith('proof-missing:') ?? false)

/** The completion report, a line a figure. */
const completion = (figures: NonNullable<Run['report']>): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name.padEnd(12)} ${value ?? '-'}\n`)
    .join('')

const nextCommand = ({ integration, what, outcome }: Run): string | null => {
  if (outcome === 'paused') return `crossfade migrate resume ${integration}`
  if (outcome === 'mismatches') return `crossfade mismatches ${integration}`
  if (outcome === 'partial') return `crossfade ${what} ${integration} --execute --reason "go on"`
  return outcome === 'done' && what === 'migrate' ? `crossfade flags set ${integration} dualwrite` : null
}

const comeBack = ({ integration, what }: Run, lead: string): string =>
  `${lead}: crossfade status -w ${integration} watches it, crossfade ${what} ${integration} --execute takes it up again`

/** One line that is written over on a terminal; lines elsewhere. */
const makeProgress = ({ stderr, clock }: Io) => {
  let shown = Number.NEGATIVE_INFINITY
  const write = (run: Run): void => {
    const text = progressLine(run, clock.wall())
    stderr.write(stderr.isTTY ? `\r\u001b[K${text.slice(0, (stderr.columns ?? 80) - 1)}` : `${text}\n`)
    shown = clock.monotonic()
  }
  return {
    show: (run: Run): void => {
      if (stderr.isTTY || clock.monotonic() - shown >= LINE_MS) write(run)
    },
    end: (run: Run): void => {
      write(run)
      if (stderr.isTTY) stderr.write('\n')
    },
  }
}
