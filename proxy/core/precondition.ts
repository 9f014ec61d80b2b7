import { ABSENT } from '../../backends/digest.ts'
import type { Address } from '../../backends/secret.ts'
import { proxyFault } from '../faults.ts'
import type { Precondition, WriteResult } from '../operations.ts'
import type { Content } from './attempt.ts'
import { type CoreDeps, isBare, type View, viewOf } from './context.ts'
import type { Lazy } from './lazy.ts'
import { readFresh } from './read.ts'
import { type WriteAnswer, write } from './write.ts'

/** `etag` is null when the secret is absent. */
export function matches(precondition: Precondition, etag: string | null): boolean {
  switch (precondition.kind) {
    case 'none':
      return true
    case 'match':
      return etag !== null && (precondition.etags === '*' || precondition.etags.includes(etag))
    case 'none-match':
      return etag === null
  }
}

/** A settle, a change of state or a newer value may each ask for one more look. */
const LOOKS = 4

/** How long a condition waits (ms) while nothing can be settled, and how often it looks: a barrier, or a settle elsewhere. */
const UNSETTLED = { wait: 2000, first: 4, most: 64 } as const

/**
 * Compare-and-set through the ledger: the value that is read now is judged against the tags, and its fingerprint is what
 * begin compares with the row's `current`, exclusively. A row that does not know `current` learns it by a settle. So a
 * tag never has to be stored, and ETags outlive the migration's key.
 *
 * Null: the integration has left the ledger, and nothing was begun.
 */
export async function writeEnrolled(
  deps: CoreDeps,
  lazy: Lazy,
  view: View,
  address: Address,
  content: Content,
  precondition: Precondition,
): Promise<WriteResult | null> {
  const settled = makeSettled(deps, address)
  let current = view
  for (let look = 0; look < LOOKS; look += 1) {
    const expect = await expected(deps, current, address, precondition)
    const answer: WriteAnswer = await write(deps, lazy, current, { address, content, expect })
    if (answer.kind === 'done') return answer.result
    if (answer.kind === 'not-known') await settled()
    if (answer.kind === 'reload') current = await reloaded(deps, current, address)
    if (isBare(current.state)) return null
    if (answer.kind === 'mismatch' && look === LOOKS - 1)
      throw proxyFault('precondition-failed', 'the secret changed while the precondition was judged')
  }
  throw busy('the state of the integration is changing')
}

const busy = (detail: string) => proxyFault('operation-in-progress', detail, { retryAfter: 1 })

/**
 * Has the row learn what its fresh side holds. While the integration is being enrolled nothing can be settled, and nobody
 * changed the secret: so that is waited for, not told as a condition that failed.
 */
function makeSettled(deps: CoreDeps, address: Address): () => Promise<void> {
  const giveUp = deps.clock.monotonic() + UNSETTLED.wait
  return async () => {
    for (let wait: number = UNSETTLED.first; ; wait = Math.min(wait * 2, UNSETTLED.most)) {
      const reports = await deps.settleOne(address)
      if (reports.length > 0) return
      const { row } = await deps.ledger.ask(address)
      if (row !== null && row.current !== null) return
      if (deps.clock.monotonic() + wait > giveUp) throw busy('what the secret is cannot be settled yet')
      await deps.clock.sleep(wait)
    }
  }
}

async function expected(
  deps: CoreDeps,
  view: View,
  address: Address,
  precondition: Precondition,
): Promise<string | null> {
  if (precondition.kind === 'none') return null
  const { outcome } = await readFresh(deps, view, address)
  const secret = outcome.kind === 'found' ? outcome.secret : null
  if (!matches(precondition, secret === null ? null : deps.etag(address, secret))) {
    throw proxyFault('precondition-failed', 'the secret has changed, or its existence is not as named')
  }
  return secret === null ? ABSENT : deps.fingerprint(address, secret)
}

/**
 * The ledger refused the plan: this replica's view of the integration is old, or the integration is between two rules
 * (`new-only`, `legacy-only`), which ends as soon as every replica has heard. A write waits for that a little while.
 */
async function reloaded(deps: CoreDeps, view: View, address: Address): Promise<View> {
  const giveUp = deps.clock.monotonic() + UNSETTLED.wait
  for (let wait: number = UNSETTLED.first; ; wait = Math.min(wait * 2, UNSETTLED.most)) {
    deps.replica.memory.learn(await deps.ledger.integrations())
    const next = viewOf(deps, address.integration, address.customer)
    if (next.state !== view.state) return next
    if (deps.clock.monotonic() + wait > giveUp) throw busy(`the integration is ${next.state}`)
    await deps.clock.sleep(wait)
  }
}
