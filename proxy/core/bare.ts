import type { Address } from '../../backends/secret.ts'
import { ANY, type Condition, type PutOutcome } from '../../backends/store.ts'
import type { Side } from '../../core/side.ts'
import { proxyFault } from '../faults.ts'
import type { Precondition, WriteResult } from '../operations.ts'
import { type Content, send } from './attempt.ts'
import type { CoreDeps, View } from './context.ts'
import { outcomeFault } from './outcome-fault.ts'
import { matches } from './precondition.ts'

/** A write of an integration without a ledger: one store, its own compare-and-set, nothing else. */
export async function writeBare(
  deps: CoreDeps,
  view: View,
  address: Address,
  content: Content,
  precondition: Precondition,
): Promise<WriteResult> {
  const deadline = deps.clock.monotonic() + deps.readDeadline
  const attempt = async (): Promise<PutOutcome> => {
    const condition = await conditionFor(deps, view, address, precondition, deadline)
    return send(view.store(view.plan.first), address, content, condition, { deadline })
  }
  // One of unknown outcome may still land until the store's own check of the deadline: enrol must wait for it.
  const lands = (ended: PutOutcome): Promise<void> | null =>
    ended.kind === 'unknown' ? deps.clock.sleep(Math.max(0, deadline - deps.clock.monotonic())) : null
  const outcome = await deps.bareWrites.track(address.integration, attempt(), lands)
  if (outcome.kind !== 'done') throw bareFault(view, view.plan.first, outcome)
  const served = { by: view.plan.first, phase: view.phase, fallback: null, unproven: false }
  return content === null
    ? { kind: 'removed', etag: null, version: outcome.version, served }
    : { kind: 'written', etag: deps.etag(address, content), version: outcome.version, served }
}

async function conditionFor(
  deps: CoreDeps,
  view: View,
  address: Address,
  precondition: Precondition,
  deadline: number,
): Promise<Condition> {
  if (precondition.kind === 'none') return ANY
  const side = view.plan.first
  const store = view.store(side)
  if (!store.capabilities.compareAndSet.has) {
    throw proxyFault('conditional-write-unsupported', `store ${store.name}: ${store.capabilities.compareAndSet.why}`)
  }
  const current = await store.get(address, { deadline })
  if (current.kind === 'error' && current.reason === 'revoked')
    throw proxyFault('customer-revoked', `store ${store.name}`)
  if (current.kind === 'error' || current.kind === 'unreadable') {
    const why = current.kind === 'error' ? (current.detail ?? current.reason) : current.reason
    throw proxyFault('store-unavailable', `store ${store.name}: ${why}`, { retryAfter: 1 })
  }
  const etag = current.kind === 'found' ? deps.etag(address, current.secret) : null
  if (!matches(precondition, etag))
    throw proxyFault('precondition-failed', 'the secret has changed, or its existence is not as named')
  if (current.fence === null)
    throw proxyFault('conditional-write-unsupported', `store ${store.name} cannot compare an absent secret`)
  return { kind: 'at', fence: current.fence }
}

/** Turns what a store said into what the client is told. */
function bareFault(view: View, side: Side, outcome: Exclude<PutOutcome, { kind: 'done' }>) {
  const store = view.store(side).name
  if (outcome.kind === 'conflict') return proxyFault('precondition-failed', 'the secret changed meanwhile')
  return outcomeFault(store, outcome)
}
