import { ABSENT } from '../../backends/digest.ts'
import type { Address } from '../../backends/secret.ts'
import type { PutOutcome } from '../../backends/store.ts'
import { isFault } from '../../core/fault.ts'
import type { Side } from '../../core/side.ts'
import type { BeginAnswer, FinishOutcome, FinishRequest } from '../../ledger/ledger.ts'
import { proxyFault } from '../faults.ts'
import type { WriteResult } from '../operations.ts'
import { type Attempt, type Content, type FenceRead, putFirst, putSecond, readFence } from './attempt.ts'
import type { CoreDeps, View } from './context.ts'
import type { Lazy } from './lazy.ts'
import { outcomeFault } from './outcome-fault.ts'
import { tellCall } from './store-call.ts'

/*
 * A write of an enrolled integration: begin (durable) -> put to the register -> put to the other side -> finish.
 * SPEC.md section 5 is the table of what the caller is told. The register is what begin names, not what the phase
 * names: whoever opens an empty row decides it for all that join.
 */

export interface WriteRequest {
  readonly address: Address
  readonly content: Content
  /** The fingerprint that must be current, or `absent`, or null for an unconditional write. */
  readonly expect: string | null
}

export type Begun = Extract<BeginAnswer, { kind: 'begun' }>

/** `refused`: nothing was begun, and what the precondition asks for decides what happens next. */
export type WriteAnswer =
  | { readonly kind: 'done'; readonly result: WriteResult }
  | { readonly kind: 'mismatch' | 'not-known' | 'reload' }

/** How long a write waits for others that exclude it, until their leases are over, and how often it looks. */
const BUSY = { beyond: 1000, longest: 10_000, first: 4, most: 64 } as const

export async function write(deps: CoreDeps, lazy: Lazy, view: View, request: WriteRequest): Promise<WriteAnswer> {
  const { address, content } = request
  const stores = view.pair.stores
  const fenced = stores.legacy.capabilities.fence.has && stores.new.capabilities.fence.has
  const fingerprint = content === null ? ABSENT : deps.fingerprint(address, content)
  const giveUp = deps.clock.monotonic() + Math.min(deps.lease + BUSY.beyond, BUSY.longest)
  for (let wait: number = BUSY.first; ; wait = Math.min(wait * 2, BUSY.most)) {
    // Our own lazy finish of this secret may still be on its way; joining it would make a debt of a clean write.
    await lazy.pending(address)
    const op = deps.newId()
    const start = deps.clock.monotonic()
    const fences = fencesBeside(deps, view, address, start)
    const answer = await deps.ledger.begin({
      op,
      address,
      kind: content === null ? 'delete' : 'put',
      plan: { first: view.plan.first, second: view.plan.second },
      expect: request.expect,
      needsQuiet: content === null && !fenced,
      fingerprint,
      lease: deps.lease,
    })
    if (answer.kind === 'begun') return carryOut(deps, lazy, view, request, { op, start, begun: answer, fences })
    if (answer.kind !== 'busy') return { kind: answer.kind }
    if (deps.clock.monotonic() + wait > giveUp) {
      throw proxyFault('operation-in-progress', 'another operation of this secret is open', {
        retryAfter: Math.ceil(answer.retryAfter / 1000),
      })
    }
    await deps.clock.sleep(wait)
  }
}

interface Operation {
  readonly op: string
  /** Before begin was sent: our lease never outlives the ledger's. */
  readonly start: number
  readonly begun: Begun
  readonly fences: Fences
}

/** Read beside begin; null for a side that the phase does not put to: the row may name it all the same. */
type Fences = Readonly<Record<Side, FenceRead | null>>

function fencesBeside(deps: CoreDeps, view: View, address: Address, start: number): Fences {
  const call = { deadline: start + deps.readDeadline }
  const read = (side: Side): FenceRead | null =>
    side === view.plan.first || side === view.plan.second ? readFence(view.store(side), address, call) : null
  return { legacy: read('legacy'), new: read('new') }
}

async function carryOut(
  deps: CoreDeps,
  lazy: Lazy,
  view: View,
  request: WriteRequest,
  operation: Operation,
): Promise<WriteAnswer> {
  const { begun, start } = operation
  const end = start + deps.lease
  const attempt = (side: Side): Attempt => ({
    store: view.store(side),
    address: request.address,
    content: request.content,
    fence: operation.fences[side] ?? readFence(view.store(side), request.address, { deadline: end }),
    call: { deadline: end },
    inTime: () => deps.clock.monotonic() < end,
  })
  const first = await putFirst(attempt(begun.first))
  tellCall(deps, view, request.address, { side: begun.first, outcome: first, ms: null })
  if (first.kind !== 'done') return notApplied(deps, lazy, view, request, operation, first)
  if (deps.clock.monotonic() >= end) throw unknown(view, begun.first, 'the lease ended before the store answered')
  const second = begun.second === null ? null : await putSecond(attempt(begun.second))
  if (begun.second !== null && second !== null)
    tellCall(deps, view, request.address, { side: begun.second, outcome: second, ms: null, isSecond: true })
  if (deps.clock.monotonic() >= end)
    throw unknown(view, begun.first, 'the lease ended before the second store answered')
  await settleDebt(deps, lazy, request.address, operation, first, second).catch((error: unknown) => {
    // The register holds the value: whatever stopped the rest, nobody may be told that nothing was written.
    if (isFault(error) && error.code === 'ledger-unavailable')
      throw unknown(view, begun.first, 'the ledger did not answer')
    throw error
  })
  return { kind: 'done', result: result(deps, view, request, begun.first, first.version) }
}

function notApplied(
  deps: CoreDeps,
  lazy: Lazy,
  view: View,
  request: WriteRequest,
  { op, begun }: Operation,
  outcome: Exclude<PutOutcome, { kind: 'done' }>,
): never {
  const store = view.store(begun.first).name
  if (outcome.kind === 'unknown') {
    // The operation stays open until its lease ends. Telling the replicas keeps reads from alternating meanwhile.
    if (begun.fresh === begun.first) void announce(deps, request.address, begun.first, begun.seq).catch(() => undefined)
    throw unknown(view, begun.first, outcome.reason)
  }
  lazy.finish(finishRequest(request.address, op, 'failed', {}, null))
  throw outcome.kind === 'conflict'
    ? proxyFault('store-unavailable', `store ${store}: others keep writing`, { retryAfter: 1 })
    : outcomeFault(store, outcome)
}

const unknown = (view: View, side: Side, reason: string) =>
  proxyFault('outcome-unknown', `store ${view.store(side).name}: ${reason}`)

const finishRequest = (
  address: Address,
  op: string,
  outcome: FinishOutcome,
  versions: FinishRequest['versions'],
  knownSeq: number | null,
): FinishRequest => ({ op, address, outcome, versions, knownSeq })

/** Everything between the last put and the answer: what must be durable, and who must know, before the caller is told. */
async function settleDebt(
  deps: CoreDeps,
  lazy: Lazy,
  address: Address,
  { op, begun }: Operation,
  first: Extract<PutOutcome, { kind: 'done' }>,
  second: PutOutcome | null,
): Promise<void> {
  const outcome = finishOutcome(second)
  const versions = versionsOf(begun, first, second)
  if (deps.rules.isLoneClean(outcome === 'clean', begun))
    return lazy.finish(finishRequest(address, op, 'clean', versions, null))
  deps.onEvent({
    kind: 'debt',
    integration: address.integration,
    owing: begun.first === 'legacy' ? 'new' : 'legacy',
    why: whyDebt(second),
  })
  if (!deps.rules.movesFresh(begun)) {
    const untold = deps.rules.mustTell(begun)
    if (untold) await announce(deps, address, begun.first, begun.seq)
    return lazy.finish(finishRequest(address, op, outcome, versions, untold ? begun.seq : null))
  }
  // `fresh` moves from one side to the other: the only finish that must be durable before the answer.
  const answer = await deps.ledger.finish(finishRequest(address, op, outcome, versions, null))
  if (answer.kind === 'void')
    throw proxyFault('outcome-unknown', 'the operation was ended by its lease before it could finish')
  if (answer.known) return
  await announce(deps, address, begun.first, answer.seq)
  lazy.known(address, answer.seq)
}

async function announce(deps: CoreDeps, address: Address, fresh: Side, seq: number): Promise<void> {
  await deps.coherence.announce({ address, fresh, seq })
}

const finishOutcome = (second: PutOutcome | null): FinishOutcome => {
  if (second?.kind === 'done') return 'clean'
  return second?.kind === 'unknown' ? 'debt-open' : 'debt'
}

const whyDebt = (second: PutOutcome | null) => {
  if (second === null) return 'phase' as const
  if (second.kind === 'done') return 'joined' as const
  return second.kind === 'unknown' ? ('unknown' as const) : ('refused' as const)
}

function versionsOf(begun: Begun, first: Extract<PutOutcome, { kind: 'done' }>, second: PutOutcome | null) {
  const versions: Partial<Record<Side, string>> = {}
  if (first.version !== null) versions[begun.first] = first.version
  if (begun.second !== null && second?.kind === 'done' && second.version !== null)
    versions[begun.second] = second.version
  return versions
}

function result(
  deps: CoreDeps,
  view: View,
  { address, content }: WriteRequest,
  by: Side,
  version: string | null,
): WriteResult {
  const served = { by, phase: view.phase, fallback: by === view.plan.first ? null : ('debt' as const), unproven: false }
  return content === null
    ? { kind: 'removed', etag: null, version, served }
    : { kind: 'written', etag: deps.etag(address, content), version, served }
}
