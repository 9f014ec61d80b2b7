import type { Address } from '../backends/secret.ts'
import type { Call, GetOutcome, Store } from '../backends/store.ts'
import type { Clock } from '../core/clock.ts'
import { SIDES, type Side } from '../core/side.ts'
import { type Fingerprint, type Sight, sightOf } from '../ledger/compare.ts'
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
 * `silent` or `over` then. An error that will not pass by itself is part of what is seen.
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
  for (;;) {
    watch.signal.throwIfAborted()
    const call = { deadline: deps.clock.monotonic() + deps.deadline, signal: watch.signal }
    const [legacy, fresh] = await Promise.all([
      readAll(stores.legacy, addresses, call),
      readAll(stores.new, addresses, call),
    ])
    const away = SIDES.filter((side) => (side === 'legacy' ? legacy : fresh).some(mayPass))
    if (away.length === 0) {
      watch.waiting([])
      patience.well()
      return addresses.map((address, i) => ({
        legacy: sightOf(address, legacy[i] as GetOutcome, deps.fingerprint),
        new: sightOf(address, fresh[i] as GetOutcome, deps.fingerprint),
      }))
    }
    watch.waiting(away.map((side) => `store ${stores[side].name} does not answer`))
    if (!(await waitInSlice(patience, watch))) return 'silent'
    if (watch.over.aborted) return 'over'
  }
}

const mayPass = (outcome: GetOutcome): boolean => outcome.kind === 'error' && outcome.passing

async function readAll(store: Store, addresses: readonly Address[], call: Call): Promise<readonly GetOutcome[]> {
  const { max } = store.capabilities.batch
  const outcomes: GetOutcome[] = []
  for (let i = 0; i < addresses.length; i += max) {
    outcomes.push(...(await store.getMany(addresses.slice(i, i + max), call)))
  }
  return outcomes
}
