import { type Answers, inBatches } from '../backends/answers.ts'
import { type Address, addressKey } from '../backends/secret.ts'
import type { GetOutcome, Store } from '../backends/store.ts'
import type { Clock } from '../core/clock.ts'
import { SIDES, type Side } from '../core/side.ts'
import { type Fingerprint, type Sight, sightOf } from '../ledger/compare.ts'
import { fewer, isTooMuch } from './batch-size.ts'
import { type Patience, waitInSlice } from './patience.ts'
import type { Watch } from './stages.ts'

/** What both sides hold of some secrets, without the values. */
export type Sights = Readonly<Record<Side, Sight>>

export interface SightDeps {
  readonly stores: (integration: string) => Readonly<Record<Side, Store>>
  readonly fingerprint: Fingerprint
  readonly clock: Clock
  /** ms for one read. */
  readonly deadline: number
}

/**
 * Reads both sides in batches, again while a store has an error that may pass, as long as patience and the slice last:
 * `silent` or `over` then. What took too long is asked for in halves, each with a deadline of its own. An error that will
 * not pass by itself is part of what is seen.
 */
export async function look(
  deps: SightDeps,
  addresses: readonly Address[],
  patience: Patience,
  watch: Pick<Watch, 'signal' | 'waiting' | 'over'>,
): Promise<readonly Sights[] | 'silent' | 'over'> {
  const [first] = addresses
  if (first === undefined) return []
  const stores = deps.stores(first.integration)
  let most = addresses.length
  for (;;) {
    watch.signal.throwIfAborted()
    const [legacy, fresh] = (await Promise.all(
      SIDES.map((side) => readAll(deps, stores[side], addresses, most, watch.signal)),
    )) as [Outcomes, Outcomes]
    const away = SIDES.filter((side) =>
      addresses.some((address) => mayPass((side === 'legacy' ? legacy : fresh).of(address))),
    )
    if (away.length === 0) {
      watch.waiting([])
      patience.well()
      return addresses.map((address) => ({
        legacy: sightOf(address, legacy.of(address), deps.fingerprint),
        new: sightOf(address, fresh.of(address), deps.fingerprint),
      }))
    }
    watch.waiting(away.map((side) => `store ${stores[side].name} does not answer`))
    // What was found out about a slow store would be forgotten with the slice: it ends when it has answered.
    const slow = addresses.some((address) => [legacy, fresh].some((side) => wasTooMuch(side.of(address))))
    if (slow) most = fewer(most)
    if (!(await waitInSlice(patience, watch))) return 'silent'
    if (watch.over.aborted && !slow) return 'over'
  }
}

type Outcomes = Answers<Address, GetOutcome>

export const mayPass = (outcome: GetOutcome): boolean => outcome.kind === 'error' && outcome.passing

const wasTooMuch = (outcome: GetOutcome): boolean => outcome.kind === 'error' && isTooMuch(outcome.reason)

function readAll(
  { clock, deadline }: SightDeps,
  store: Store,
  addresses: readonly Address[],
  most: number,
  signal: AbortSignal,
): Promise<Outcomes> {
  return inBatches(addresses, addressKey, Math.min(most, store.capabilities.batch.max), (some) =>
    store.getMany(some, { deadline: clock.monotonic() + deadline, signal }),
  )
}
