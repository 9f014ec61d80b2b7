import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { Registry } from 'prom-client'
import type { Pair } from '../../backends/pair.ts'
import type { Address, Secret } from '../../backends/secret.ts'
import { ANY, type Store } from '../../backends/store.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { SIDES, type Side } from '../../core/side.ts'
import { makeMismatches } from '../../ledger/postgres/mismatches.ts'
import { migratorSection } from '../../migrator/config.ts'
import { makeMigratorDeps } from '../../migrator/deps.ts'
import { makeMigratorMetrics } from '../../migrator/metrics.ts'
import type { Pace } from '../../migrator/pace/pace.ts'
import { makePaces } from '../../migrator/pace/paces.ts'
import type { Watch } from '../../migrator/stages.ts'
import { type CoreOptions, INTEGRATION, secretOf, withCore } from '../proxy/core/with-core.ts'
import { makeGatedStore } from './gated-store.ts'

export { INTEGRATION, secretOf }

/** Sleeps are over at once, and time has passed: for code whose waits are under test, not their length. */
export const skippingClock = (): Clock => {
  let skipped = 0
  return {
    monotonic: () => systemClock.monotonic() + skipped,
    wall: () => systemClock.wall(),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      skipped += ms
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
    },
  }
}

/** Far away: real stores put the deadline into their statements. */
export const call = { deadline: systemClock.monotonic() + 3_600_000 }

export const at = (name: string, customer = 'acme', integration = INTEGRATION): Address => ({
  integration,
  customer,
  name,
})

export const names = (count: number): readonly Address[] =>
  Array.from({ length: count }, (_, i) => at(`key-${String(i).padStart(4, '0')}`, `customer-${i % 3}`))

/** As fast as it goes, with so many passes at once. */
export const unpaced = (concurrency: number): Pace =>
  makePaces({ clock: systemClock, limits: () => ({ rate: null, concurrency }) })

/** Nobody looks. */
export const unwatched = (signal = new AbortController().signal): Watch => ({
  signal,
  over: new AbortController().signal,
  from: null,
  helped: () => 0,
  progress: () => {},
  waiting: () => {},
  throttled: () => {},
})

export interface MigratorOptions extends CoreOptions {
  readonly clock?: Clock
  readonly batch?: number
  readonly page?: number
  readonly pace?: Pace
  readonly patience?: string
  readonly addressable?: (address: Address) => boolean
  /** Other stores than those in memory, behind the gates. */
  readonly stores?: Readonly<Record<Side, Store>>
}

/** The migrator over the real ledger, the real proxy core for live traffic beside it, and gates before both stores. */
export async function withMigrator(t: TestContext, options: MigratorOptions = {}) {
  const core = await withCore(t, { inventoried: false, ...options })
  const behind = options.stores ?? core.stores
  const stores = { legacy: makeGatedStore(behind.legacy), new: makeGatedStore(behind.new) }
  const pair: Pair = { stores, shape: 'bytes', unrepresentable: () => null }
  const settings = migratorSection.parse({
    batch: options.batch ?? 50,
    page: options.page ?? 1000,
    patience: options.patience ?? '20s',
    grace: '1ms',
  })
  const registry = new Registry()
  const metrics = makeMigratorMetrics(registry)
  const deps = makeMigratorDeps({
    database: core.database,
    ledger: core.ledger,
    stages: core.stages,
    pairs: () => pair,
    fingerprint: core.deps.fingerprint,
    coherence: core.deps.coherence,
    clock: options.clock ?? systemClock,
    addressable: options.addressable ?? (() => true),
    settings,
    metrics,
    ...(options.pace === undefined ? {} : { pace: options.pace }),
  })
  return {
    core,
    deps,
    stores,
    registry,
    metrics,
    settings,
    database: core.database,
    mismatches: makeMismatches(core.database),
    /** Puts a value into a store behind everybody's back, or takes it away. */
    plant: async (side: Side, address: Address, secret: Secret | null): Promise<void> => {
      const store = behind[side]
      const outcome = secret ? await store.put(address, secret, ANY, call) : await store.remove(address, ANY, call)
      assert.equal(outcome.kind, 'done')
    },
    seed: async (addresses: readonly Address[]): Promise<void> => {
      for (const address of addresses) {
        const outcome = await behind.legacy.put(address, secretOf(`value of ${address.name}`), ANY, call)
        assert.equal(outcome.kind, 'done')
      }
    },
    /** What both sides hold, as text; null where nothing is. */
    held: async (address: Address): Promise<Readonly<Record<Side, string | null>>> => {
      const [legacy, fresh] = await Promise.all(SIDES.map((side) => behind[side].get(address, call)))
      const text = (outcome: typeof legacy) =>
        outcome?.kind === 'found' ? Buffer.from(outcome.secret.value.open()).toString() : null
      return { legacy: text(legacy), new: text(fresh) }
    },
    rows: () =>
      core.database.query<{ name: string; fresh: string; blank: boolean; quarantine: string | null; version: string }>(
        null,
        'select name, fresh, blank, quarantine, version from crossfade.secret where integration = $1 order by customer, name',
        [INTEGRATION],
      ),
  }
}
