import PQueue from 'p-queue'
import type { Pairs } from '../../backends/pair.ts'
import { type Address, addressKey, type Secret } from '../../backends/secret.ts'
import type { GetOutcome } from '../../backends/store.ts'
import type { Clock } from '../../core/clock.ts'
import { otherSide, type Side } from '../../core/side.ts'
import type { Phase } from '../../flags/phase.ts'
import { classify, type Fingerprint, type MismatchClass, type Sight, sightOf } from '../../ledger/compare.ts'
import type { RowView } from '../../ledger/ledger.ts'
import { isFailure, type StoreCall } from '../core/store-call.ts'
import type { ProxyMetrics } from '../metrics.ts'

/*
 * The other side is read after the reply and compared by fingerprint, in memory. Most differences are a write that was on
 * its way, so an unequal pair is judged again after a grace period: the ledger row is read, then both sides, then the row
 * again. It is a mismatch only if they still differ while the row stood still: same version, same seq, nothing open, no
 * side owing. The row costs a round trip, which only unequal pairs pay. A side that does not answer was not compared: it
 * is counted as `store_error` and not recorded, or an outage of the second store would look like broken data.
 *
 * The queue is bounded: what does not fit is dropped and counted, so that a slow store costs comparisons, never memory.
 */

export interface Observed {
  readonly address: Address
  readonly phase: Phase
  /** Who served. */
  readonly side: Side
  /** What the client was answered; null: not found. */
  readonly secret: Secret | null
}

/** A difference that stayed; never holds a value. */
export interface ShadowMismatch {
  readonly address: Address
  readonly class: MismatchClass
  readonly fingerprints: Readonly<Record<Side, string | null>>
  readonly versions: Readonly<Record<Side, string | null>>
}

export interface ShadowDeps {
  readonly pairs: Pairs
  readonly fingerprint: Fingerprint
  /** The ledger's row, one primary read; null: it has none. */
  readonly row: (address: Address) => Promise<RowView | null>
  readonly recorder: {
    record(mismatch: ShadowMismatch): Promise<void>
    /** The sides were found equal; called only for secrets that this replica recorded before. */
    resolve(address: Address): Promise<void>
  }
  /** Told of each comparison that came to a conclusion: equal, or a mismatch. */
  readonly onCompared?: (address: Address, result: 'equal' | 'mismatch') => void
  readonly clock: Clock
  readonly metrics: ProxyMetrics
  /** Told of each read for a comparison: how long it took, and whether the side answered. */
  readonly onLook?: (look: Omit<StoreCall, 'ms'> & { readonly ms: number }) => void
  readonly limits: {
    readonly concurrency: number
    readonly queue: number
    readonly deadline: number
    readonly grace: number
  }
}

export interface Shadow {
  /** Returns at once; the comparison begins after the current turn, when the reply is on its way. */
  compare(observed: Observed): void
  /** Resolves when no comparison waits or runs. */
  flush(): Promise<void>
  /** Takes no more, drops what waits and ends grace periods; resolves when none runs. */
  close(): Promise<void>
}

/** How a comparison ended; a metric's label. */
type Result = 'equal' | 'mismatch' | 'owing' | 'changed' | 'store_error' | 'inconclusive'

const REMEMBERED = 10_000

export const makeShadow = (deps: ShadowDeps): Shadow => new ShadowComparison(deps)

class ShadowComparison implements Shadow {
  readonly #deps: ShadowDeps
  readonly #queue: PQueue
  readonly #closing = new AbortController()
  /** Unequal pairs in their grace period; they hold no place in the queue, and no value. */
  readonly #suspects = new Set<Promise<void>>()
  /** Secrets that this replica recorded, so that it says when they are equal again; bounded, the oldest is forgotten. */
  readonly #recorded = new Set<string>()

  constructor(deps: ShadowDeps) {
    this.#deps = deps
    this.#queue = new PQueue({ concurrency: deps.limits.concurrency })
  }

  compare(observed: Observed): void {
    const { metrics, limits } = this.#deps
    if (this.#closing.signal.aborted) return
    // `size` counts who waits: the queue itself knows no bound.
    if (this.#queue.size >= limits.queue) {
      metrics.dropped.inc()
      return
    }
    this.#add(() => this.#first(observed))
  }

  async flush(): Promise<void> {
    await this.#queue.onIdle()
    while (this.#suspects.size > 0) {
      await Promise.all(this.#suspects)
      await this.#queue.onIdle()
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#queue.clear()
    await this.flush()
  }

  /** `task` never rejects, so only a comparison that was cleared from the queue does. */
  #add(task: () => Promise<void>): void {
    const { queued } = this.#deps.metrics
    queued.inc()
    void this.#queue
      .add(task)
      .catch(() => {})
      .finally(() => queued.dec())
  }

  #count(address: Address, result: Result): void {
    if (result !== 'equal' && result !== 'mismatch') {
      this.#deps.metrics.inconclusive.inc({ why: result })
      return
    }
    this.#deps.metrics.comparisons.inc({ integration: address.integration, result })
    this.#deps.onCompared?.(address, result)
  }

  async #first(observed: Observed): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    const result = await this.#judge(observed).catch((): Result => 'inconclusive')
    if (result !== 'suspect') this.#count(observed.address, result)
    else if (this.#suspects.size >= this.#deps.limits.queue) this.#deps.metrics.dropped.inc()
    else this.#wait(observed.address)
  }

  /** Judged again after the grace period, or not at all if the process stops meanwhile. */
  #wait(address: Address): void {
    const waited = this.#deps.clock.sleep(this.#deps.limits.grace, this.#closing.signal).then(
      () => this.#add(() => this.#second(address)),
      () => this.#count(address, 'inconclusive'),
    )
    this.#suspects.add(waited)
    void waited.finally(() => this.#suspects.delete(waited))
  }

  async #second(address: Address): Promise<void> {
    this.#count(address, await this.#judgeAgain(address).catch((): Result => 'inconclusive'))
  }

  async #judge({ address, side, secret }: Observed): Promise<Result | 'suspect'> {
    const served = this.#sight(address, outcomeOf(secret))
    const shadow = await this.#look(address, otherSide(side))
    const found = classify(sightsOf(side, served, shadow))
    if (found === null) return this.#equal(address)
    if (found === 'store_error') return found
    const row = await this.#deps.row(address)
    return row === null || isOwing(row) ? 'owing' : 'suspect'
  }

  async #judgeAgain(address: Address): Promise<Result> {
    const before = await this.#deps.row(address)
    if (before === null || isOwing(before)) return 'owing'
    if (before.open > 0) return 'changed'
    const [legacy, fresh] = await Promise.all([this.#look(address, 'legacy'), this.#look(address, 'new')])
    const sights = { legacy, new: fresh }
    const found = classify(sights, { current: before.current, versions: {} })
    if (found === null) return this.#equal(address)
    if (found === 'store_error') return found
    if (!stoodStill(before, await this.#deps.row(address))) return 'changed'
    await this.#mismatch(address, found, sights)
    return 'mismatch'
  }

  async #mismatch(address: Address, found: MismatchClass, { legacy, new: fresh }: Record<Side, Sight>): Promise<void> {
    const { metrics, recorder } = this.#deps
    metrics.mismatches.inc({ integration: address.integration, class: found })
    this.#remember(addressKey(address))
    await recorder.record({
      address,
      class: found,
      fingerprints: { legacy: legacy.fingerprint, new: fresh.fingerprint },
      versions: { legacy: legacy.version, new: fresh.version },
    })
  }

  async #equal(address: Address): Promise<Result> {
    if (this.#recorded.delete(addressKey(address))) await this.#deps.recorder.resolve(address)
    return 'equal'
  }

  #remember(key: string): void {
    this.#recorded.add(key)
    const [oldest] = this.#recorded
    if (this.#recorded.size > REMEMBERED && oldest !== undefined) this.#recorded.delete(oldest)
  }

  async #look(address: Address, side: Side): Promise<Sight> {
    const { pairs, clock, limits } = this.#deps
    const start = clock.monotonic()
    const outcome = await pairs(address.integration).stores[side].get(address, { deadline: start + limits.deadline })
    const { integration, customer } = address
    this.#deps.onLook?.({ integration, customer, side, failed: isFailure(outcome), ms: clock.monotonic() - start })
    return this.#sight(address, outcome)
  }

  #sight(address: Address, outcome: GetOutcome): Sight {
    return sightOf(address, outcome, this.#deps.fingerprint)
  }
}

const outcomeOf = (secret: Secret | null): GetOutcome =>
  secret === null
    ? { kind: 'absent', deleted: false, fence: null }
    : { kind: 'found', secret, version: null, fence: null }

const sightsOf = (side: Side, served: Sight, shadow: Sight): Record<Side, Sight> =>
  side === 'legacy' ? { legacy: served, new: shadow } : { legacy: shadow, new: served }

/** One side is known to lack the latest write: a debt, which settles, not a mismatch. */
const isOwing = (row: RowView): boolean => row.open === 0 && row.fresh !== 'both'

/** Nothing was begun, finished or settled between the two looks, and nothing is open. */
export const stoodStill = (before: RowView, after: RowView | null): boolean =>
  after !== null &&
  after.open === 0 &&
  after.fresh === 'both' &&
  after.version === before.version &&
  after.seq === before.seq
