import type { Address } from '../../backends/secret.ts'
import type { GetOutcome } from '../../backends/store.ts'
import { isFault } from '../../core/fault.ts'
import { otherSide, type Side } from '../../core/side.ts'
import type { RowView } from '../../ledger/ledger.ts'
import { proxyFault } from '../faults.ts'
import type { ReadResult, Served } from '../operations.ts'
import { type CoreDeps, isPinned, type View, viewOf } from './context.ts'
import { tellCall } from './store-call.ts'

/*
 * A read: from memory in the steady state, no round trip to the ledger. The ledger is asked for "not found" on new (and
 * the side that it names is read again, even if it is new: a copy may have landed meanwhile), before the inventory
 * mark, while the replica's lease is over, and before a fallback. A fallback follows errors that may pass, never "not
 * found", and never goes to a side that owes.
 */

type Answer = Extract<GetOutcome, { kind: 'found' | 'absent' }>
type Failure = Exclude<GetOutcome, Answer>

/** What a read ended with, and who answered. */
export interface FreshRead {
  readonly outcome: Answer
  readonly served: Served
}

export async function read(deps: CoreDeps, address: Address, signal?: AbortSignal): Promise<ReadResult> {
  const view = viewOf(deps, address.integration, address.customer)
  const { outcome, served } = await readFresh(deps, view, address, signal)
  deps.onEvent({ kind: 'served', integration: address.integration, by: served.by as Side, fallback: served.fallback })
  if (view.plan.shadowRead !== null && served.fallback === null && view.state === 'enrolled') {
    const secret = outcome.kind === 'found' ? outcome.secret : null
    deps.shadow({ address, phase: view.phase, side: served.by as Side, secret })
  }
  if (outcome.kind === 'absent') return { kind: 'absent', served }
  const { secret, version } = outcome
  return { kind: 'found', secret, etag: deps.etag(address, secret), version, served }
}

/** The latest acknowledged value, from whichever side holds it. */
export async function readFresh(
  deps: CoreDeps,
  view: View,
  address: Address,
  signal?: AbortSignal,
): Promise<FreshRead> {
  const first = deps.rules.route(
    {
      state: view.state,
      trusted: deps.replica.trusted(),
      inventoried: deps.replica.inventoried(address.integration),
      debt: deps.replica.memory.debtOf(address),
    },
    view.plan.read,
  )
  if (first.kind === 'ask') return readAsked(deps, view, address, first.why, signal)
  const outcome = await get(deps, view, first.side, address, signal)
  if (outcome.kind === 'found') return served(view, first.side, outcome)
  if (outcome.kind === 'absent') {
    return deps.rules.notFoundIsFinal(first.side, isPinned(view.state))
      ? served(view, first.side, outcome)
      : readAsked(deps, view, address, 'not-found', signal)
  }
  return fallback(deps, view, address, first.side, outcome, signal)
}

async function readAsked(
  deps: CoreDeps,
  view: View,
  address: Address,
  why: 'untrusted' | 'no-mark' | 'not-found',
  signal?: AbortSignal,
): Promise<FreshRead> {
  const answer = await ask(deps, address, why)
  if (answer === null) return unproven(deps, view, address, signal)
  if (why === 'not-found' && deps.rules.confirmedDeleted(answer.row)) {
    return served(view, 'new', { kind: 'absent', deleted: true, fence: null })
  }
  const side = deps.rules.sideOf(answer, view.plan.read)
  const outcome = await get(deps, view, side, address, signal)
  if (outcome.kind === 'found') return served(view, side, outcome)
  if (outcome.kind !== 'absent') return fallback(deps, view, address, side, outcome, signal)
  return side === 'new' && deps.rules.saysThere(answer.row)
    ? lost(deps, view, address, answer.row as RowView, signal)
    : served(view, side, outcome)
}

/**
 * New does not have what the ledger says it holds, unless a write came between: then the secret is looked at anew. Where
 * both sides held it legacy answers; else nobody can, and that is no "not found".
 */
async function lost(
  deps: CoreDeps,
  view: View,
  address: Address,
  row: RowView,
  signal?: AbortSignal,
): Promise<FreshRead> {
  const answer = await ask(deps, address, 'not-found')
  if (answer === null) throw unprovenFault()
  const stood = answer.row !== null && answer.row.version === row.version && answer.row.seq === row.seq
  if (!stood || answer.row.writing > 0) return readAsked(deps, view, address, 'not-found', signal)
  const missing = proxyFault('value-missing', `store ${view.store('new').name}`)
  if (!deps.rules.provenFresh(answer, 'legacy')) throw missing
  const outcome = await get(deps, view, 'legacy', address, signal)
  if (outcome.kind === 'found') return served(view, 'legacy', outcome, 'error')
  throw outcome.kind === 'absent' ? missing : failureFault(view, 'legacy', outcome)
}

const unprovenFault = () =>
  proxyFault('freshness-unproven', 'the ledger does not answer and this replica may not trust its memory', {
    retryAfter: 1,
  })

async function fallback(
  deps: CoreDeps,
  view: View,
  address: Address,
  failed: Side,
  failure: Failure,
  signal?: AbortSignal,
): Promise<FreshRead> {
  const passing = failure.kind === 'unreadable' || failure.passing
  const other = otherSide(failed)
  if (!passing || isPinned(view.state)) throw failureFault(view, failed, failure)
  const answer = await ask(deps, address, 'fallback')
  if (answer === null || !deps.rules.provenFresh(answer, other)) throw failureFault(view, failed, failure)
  const outcome = await get(deps, view, other, address, signal)
  if (outcome.kind !== 'found' && outcome.kind !== 'absent') throw failureFault(view, failed, failure)
  if (outcome.kind === 'absent' && other === 'new' && deps.rules.saysThere(answer.row))
    throw failureFault(view, failed, failure)
  return served(view, other, outcome, 'error')
}

/** Null: the ledger cannot say. */
async function ask(deps: CoreDeps, address: Address, why: 'untrusted' | 'no-mark' | 'not-found' | 'fallback') {
  deps.onEvent({ kind: 'ask', integration: address.integration, why })
  return deps.ledger.ask(address).catch((error: unknown) => {
    if (isFault(error) && error.code === 'ledger-unavailable') return null
    throw error
  })
}

/** The ledger is down and memory may not be trusted: only the integration's policy lets an answer through, and it is marked. */
async function unproven(deps: CoreDeps, view: View, address: Address, signal?: AbortSignal): Promise<FreshRead> {
  if (deps.whenLedgerDown === 'proven') throw unprovenFault()
  const side = deps.replica.memory.debtOf(address) ?? view.plan.read
  const outcome = await get(deps, view, side, address, signal)
  if (outcome.kind !== 'found' && outcome.kind !== 'absent') throw failureFault(view, side, outcome)
  return served(view, side, outcome, null, true)
}

async function get(
  deps: CoreDeps,
  view: View,
  side: Side,
  address: Address,
  signal?: AbortSignal,
): Promise<GetOutcome> {
  const start = deps.clock.monotonic()
  const call = { deadline: start + deps.readDeadline, ...(signal ? { signal } : {}) }
  const outcome = await view.store(side).get(address, call)
  // A client that went away says nothing about the store.
  if (!signal?.aborted) tellCall(deps, view, address, { side, outcome, ms: deps.clock.monotonic() - start })
  return outcome
}

function served(view: View, by: Side, outcome: Answer, why: 'error' | null = null, isUnproven = false): FreshRead {
  const fallbackReason = why ?? (by === view.plan.read ? null : 'debt')
  return { outcome, served: { by, phase: view.phase, fallback: fallbackReason, unproven: isUnproven } }
}

function failureFault(view: View, side: Side, failure: Failure) {
  const store = view.store(side).name
  if (failure.kind === 'unreadable') return proxyFault('value-unreadable', `store ${store}: ${failure.reason}`)
  if (failure.reason === 'revoked') return proxyFault('customer-revoked', `store ${store}`)
  const detail = `store ${store}: ${failure.detail ?? failure.reason}`
  return failure.passing
    ? proxyFault('store-unavailable', detail, { retryAfter: 1 })
    : proxyFault('store-refused', detail)
}
