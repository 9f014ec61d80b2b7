import type { IntegrationStatus } from '../../../proxy/ops/status.ts'
import type { Plan } from '../../../proxy/ops/work.ts'
import { type ExecuteOptions, intentOf } from '../execute.ts'
import type { Exit } from '../exit-codes.ts'
import { cliFault } from '../faults.ts'
import { type Moves, readMoves, writeMoves } from '../moves/document.ts'
import { followMoves } from '../moves/follow.ts'
import { inOrder, isDone, type Move, requestsOf } from '../moves/order.ts'
import { selectorOf } from '../selector.ts'
import type { Args, Session } from '../session.ts'
import type { PaceOptions } from './pace.ts'

export interface ManyOptions extends PaceOptions, ExecuteOptions {
  readonly all?: boolean
  readonly plan?: boolean
  readonly from?: string
  readonly parallel?: number
  readonly keepGoing?: boolean
}

const SELECTS_MANY = /[*?[\]{}=]/

/** More than one integration is meant, or their order. */
export const isMany = ({ integration }: Args, { all, plan, from }: ManyOptions): boolean =>
  all === true || plan === true || from !== undefined || integration === undefined || SELECTS_MANY.test(integration)

/** Proposes an order, or follows one; without --execute it says what each of them would do. */
export async function migrateMany(
  session: Session,
  args: Args,
  options: ManyOptions,
  print: (plan: Plan) => void,
): Promise<Exit> {
  const { execute = false, reason, plan = false, from } = options
  if (plan && (execute || from !== undefined)) throw cliFault('usage', '--plan only proposes: no --execute, no --from')
  if (from !== undefined && args['integration'] !== undefined) throw cliFault('usage', '--from names the integrations')
  intentOf('migrate', options)
  if (plan) return propose(session, await estimate(session, args, options))
  const moves = from === undefined ? await ordered(session, args, options) : await written(session, from, options)
  if (execute) return followMoves(session, moves, { reason: reason ?? '', pace: options })
  return planAll(session, moves, print)
}

function propose({ report }: Session, moves: readonly Move[]): Exit {
  report.data(writeMoves(moves))
  report.object({ moves })
  return 'ok'
}

async function planAll({ io, ops, report }: Session, { moves }: Moves, print: (plan: Plan) => void): Promise<Exit> {
  const plans: Plan[] = []
  for (const { integration } of moves) {
    const answer = await ops().call('migrate', { body: { integration, execute: false } }, io.signal)
    if (answer.kind !== 'plan') continue
    plans.push(answer)
    print(answer)
  }
  report.note('nothing was done: add --execute --reason "why" to do it')
  report.object({ plans })
  return 'ok'
}

const ordered = async (session: Session, args: Args, options: ManyOptions): Promise<Moves> => ({
  version: 1,
  parallel: options.parallel ?? 1,
  keep_going: options.keepGoing ?? false,
  moves: (await estimate(session, args, options)).map(({ integration }) => ({ integration })),
})

async function written({ io, ops }: Session, from: string, { parallel, keepGoing }: ManyOptions): Promise<Moves> {
  const { integrations } = await ops().call('status', { query: {} }, io.signal)
  const moves = await readMoves(from, io.env, new Set(integrations.map(({ integration }) => integration)))
  return { ...moves, parallel: parallel ?? moves.parallel, keep_going: keepGoing ?? moves.keep_going }
}

/** From the ledger's counts, else from what the legacy store lists; and the requests that were seen. */
async function estimate(session: Session, args: Args, { all }: ManyOptions): Promise<readonly Move[]> {
  const { io, ops } = session
  const selector = selectorOf(args['integration'], all, null)
  const { integrations } = await ops().call('status', { query: { selector } }, io.signal)
  const moves: Move[] = []
  for (const status of integrations) moves.push(await estimateOne(session, status))
  return inOrder(moves)
}

async function estimateOne({ io, ops }: Session, status: IntegrationStatus): Promise<Move> {
  const { integration, owner, cohorts, counts, inventoried } = status
  const known = {
    integration,
    owner,
    requests: requestsOf(status),
    cohorts: cohorts.map(({ cohort }) => cohort),
    done: isDone(status),
  }
  if (known.done || (inventoried && counts !== null))
    return { ...known, secrets: { n: counts?.discovered ?? 0, more: false } }
  const plan = await ops().call('migrate', { body: { integration, execute: false } }, io.signal)
  const names = plan.kind === 'plan' ? (plan.names?.legacy ?? null) : null
  return { ...known, secrets: names === null ? null : { n: names.names, more: names.more } }
}
