import { sharesInWords, sharesOf } from '../../flags/outlook.ts'
import { type Bypass, NO_BYPASS, readBypass } from '../../ledger/postgres/bypass.ts'
import { readDebts, readStuckDebts } from '../../ledger/postgres/owing.ts'
import { NO_COUNTS } from '../../ledger/postgres/progress.ts'
import { makeUnaddressedWatch } from '../../migrator/unaddressed.ts'
import { latenciesOf, outcomesOf } from '../../proxy/ops/latencies.ts'
import type { StatusPort } from '../../proxy/ops/ports.ts'
import type { CohortPhase, IntegrationStatus, Status } from '../../proxy/ops/status.ts'
import { type Counted, totalOf } from '../serve/counts.ts'
import type { Engine } from '../serve/engine.ts'
import type { Still } from '../serve/still-new.ts'
import { storesAway, storesUnfit } from './away.ts'
import { cappedBy, showCap } from './caps.ts'
import { explain } from './explain.ts'
import { waitsOf } from './gates.ts'
import { guardStatus } from './guard.ts'
import { assertIntegration, select } from './select.ts'
import { showStill } from './still-new.ts'

export function makeStatusPort(engine: Engine): StatusPort {
  const unaddressed = makeUnaddressedWatch(engine.migratorDeps)
  return {
    status: async (selector) => {
      const names = select(engine.config, selector)
      const counts = await engine.counting.of(names).catch(() => null)
      const bypasses = await readBypass(engine.parts.database, names).catch(() => new Map<string, Bypass>())
      const still = await engine.stillNew.each(names)
      const outcomes = await outcomesOf(engine.metrics.registry)
      const integrations = names.map((name) =>
        one(engine, name, {
          counted: counts?.get(name) ?? null,
          bypass: bypasses.get(name) ?? NO_BYPASS,
          still: still.get(name) ?? null,
          outcomes: outcomes.get(name) ?? [],
        }),
      )
      const latencies = await latenciesOf(engine.metrics.registry, (store) => sideOf(engine, store))
      const { durable, replicas } = await engine.capSpread.state()
      const at = new Date(engine.clock.wall()).toISOString()
      const stores = new Set(integrations.flatMap((integration) => Object.values(integration.stores)))
      const silent = await storesAway(engine.metrics.registry, stores)
      const unfit = storesUnfit(engine.stores.all, stores, new Set(silent))
      const away = { ledger: counts === null, stores: silent, unfit }
      const configured = await configuredOf(engine)
      const stuck = await readStuckDebts(engine.parts.database, names, STUCK_SHOWN).catch(() => [])
      const unaddressable = unaddressableOf(integrations, unaddressed)
      return {
        at,
        caps: { durable, ...replicas },
        away,
        configured,
        unaddressable,
        stuck: [...stuck],
        integrations,
        latencies: [...latencies],
      }
    },
    explain: async (integration, customer) => {
      assertIntegration(engine.config, integration)
      return explain(engine, integration, customer)
    },
    debts: () => readDebts(engine.parts.database),
  }
}

async function configuredOf({ identity }: Engine): Promise<Status['configured']> {
  const differing = await identity.differing().catch(() => new Map<string, readonly string[]>())
  return {
    problems: [...identity.problems()],
    left_out: identity.leftOut().map(({ integration, state }) => ({ integration, state })),
    differing: [...differing].map(([replica, words]) => ({ replica, words: [...words] })),
  }
}

/** More of them are the matter of a store, not of a secret. */
const STUCK_SHOWN = 20

/** While it can still be carried over: where the ledger is used. */
const unaddressableOf = (
  integrations: readonly IntegrationStatus[],
  watch: ReturnType<typeof makeUnaddressedWatch>,
): NonNullable<Status['unaddressable']> =>
  integrations
    .filter(({ state }) => state === 'enrolled')
    .flatMap(({ integration }) => (watch(integration)?.counts ?? []).map((found) => ({ integration, ...found })))

/** What was asked for of all integrations at once. */
interface Looked {
  /** null: the ledger does not answer. */
  readonly counted: Counted | null
  readonly bypass: Bypass
  readonly still: Still | null
  readonly outcomes: IntegrationStatus['outcomes']
}

function one(engine: Engine, name: string, { counted, bypass, still, outcomes }: Looked): IntegrationStatus {
  const { config, flags, parts } = engine
  const section = config.integrations[name]
  const state = parts.replica.state(name) ?? 'bare'
  const own = state === 'bare' ? null : counted
  const caps = flags.caps.list().filter(({ integration }) => integration === name || integration === '*')
  const counts = own === null ? null : totalOf(own)
  return {
    integration: name,
    owner: section?.owner ?? null,
    state,
    inventoried: parts.replica.inventoried(name),
    stores: { legacy: section?.legacy ?? '', new: section?.new ?? '' },
    cohorts: flags.outlook(name).map((outlook): CohortPhase => {
      return {
        cohort: outlook.cohort,
        requested: outlook.requested,
        effective: outlook.runs,
        runs: sharesInWords(sharesOf(outlook)),
        why: why(engine, outlook),
        waits: waitsOf(flags.gateBook.mark(name, outlook.cohort).hold),
        counts: own === null ? null : (own.cohorts.get(outlook.cohort) ?? NO_COUNTS),
      }
    }),
    caps: caps.map(showCap),
    still_new: showStill(still),
    guard: guardStatus(engine, name),
    counts,
    counted_at: own === null || own.at === null ? null : new Date(own.at).toISOString(),
    bypass: showBypass(bypass),
    open_mismatches: counts?.mismatched ?? 0,
    outcomes,
  }
}

const showBypass = ({ secrets, lastSeen }: Bypass): IntegrationStatus['bypass'] =>
  lastSeen === null ? null : { secrets, last_seen: new Date(lastSeen).toISOString() }

type Seen = ReturnType<Engine['flags']['outlook']>[number]

function why(engine: Engine, { integration, requested, cap, pin, runs }: Seen): string {
  if (pin !== null) return pin.reason
  const doubt = engine.flags.phases.doubts().get(integration)
  if (cap !== null && runs !== requested) return `${cappedBy(cap)}: ${cap.reason}`
  return doubt === undefined ? 'the flag asks for it' : `the last known phase stands: ${doubt.detail}`
}

export const sideOf = ({ config }: Engine, store: string) => {
  const uses = Object.values(config.integrations)
  if (uses.some(({ legacy }) => legacy === store)) return 'legacy' as const
  return uses.some((use) => use.new === store) ? ('new' as const) : null
}
