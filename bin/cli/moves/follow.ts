import PQueue from 'p-queue'
import { isFault } from '../../../core/fault.ts'
import type { Run } from '../../../proxy/ops/work.ts'
import { type Exit, exitOfFault } from '../exit-codes.ts'
import { EXIT_OF_OUTCOME, isMoving } from '../follow-run.ts'
import type { Session } from '../session.ts'
import { type PaceOptions, setPaceFirst } from '../verbs/pace.ts'
import type { Moves } from './document.ts'
import { isDone } from './order.ts'

/** What became of one integration of a plan. */
export interface Moved {
  readonly integration: string
  /** `skipped`: there was nothing to do. `left`: one before it did not end well. */
  readonly outcome: Run['outcome'] | 'skipped' | 'left'
  readonly exit: Exit
  readonly message: string | null
}

/** Of every run that is begun. */
export interface MoveRequest {
  readonly reason: string
  readonly pace: PaceOptions
}

const POLL_MS = 500

/**
 * Moves one integration after the other, so many at a time. What is done is skipped, so that the same command goes on; after one that
 * did not end well nothing is begun, unless it shall keep going. Ctrl-C only stops the watching, and begins nothing any more.
 */
export async function followMoves(
  session: Session,
  { moves, parallel, keep_going }: Moves,
  request: MoveRequest,
): Promise<Exit> {
  const { io, report } = session
  const queue = new PQueue({ concurrency: parallel })
  let failed = false
  const results = await queue.addAll(
    moves.map(({ integration }) => async (): Promise<Moved> => {
      if (io.signal.aborted || (failed && !keep_going))
        return { integration, outcome: 'left', exit: 'partial', message: null }
      const moved = await move(session, integration, request)
      if (moved.exit !== 'ok') failed = true
      report.note(`${integration}: ${moved.outcome}${moved.message === null ? '' : `: ${moved.message}`}`)
      return moved
    }),
  )
  const bad = results.find(({ exit, outcome }) => exit !== 'ok' && outcome !== 'left')
  const left = results.filter(({ outcome }) => outcome === 'left').length
  if (left > 0) report.note(`${left} were not begun: run the same command again to go on`)
  report.object({ moved: results })
  if (io.signal.aborted) return 'interrupted'
  return bad?.exit ?? (left > 0 ? 'partial' : 'ok')
}

async function move(session: Session, integration: string, { reason, pace }: MoveRequest): Promise<Moved> {
  const { io, ops, report } = session
  try {
    const { integrations } = await ops().call('status', { query: { selector: integration } }, io.signal)
    if (integrations.every(isDone)) return { integration, outcome: 'skipped', exit: 'ok', message: 'done already' }
    report.note(`${integration}: begins`)
    await setPaceFirst(session, integration, pace, reason)
    const started = await ops().call('migrate', { body: { integration, execute: true, reason } }, io.signal)
    if (started.kind !== 'run') return { integration, outcome: 'failed', exit: 'error', message: 'no run was begun' }
    const run = await ended(session, started)
    return { integration, outcome: run.outcome, exit: EXIT_OF_OUTCOME[run.outcome], message: run.message }
  } catch (error) {
    if (io.signal.aborted)
      return { integration, outcome: 'running', exit: 'interrupted', message: 'it goes on without this command' }
    if (!isFault(error)) throw error
    return { integration, outcome: 'failed', exit: exitOfFault(error), message: error.detail }
  }
}

/** Or paused: it does not go on by itself, and the others shall not wait for it. */
async function ended({ io, ops }: Session, first: Run): Promise<Run> {
  let run = first
  while (isMoving(run)) {
    await io.clock.sleep(POLL_MS, io.signal)
    const { run: latest } = await ops().call('progress', { params: { integration: run.integration } }, io.signal)
    run = latest ?? run
  }
  return run
}
