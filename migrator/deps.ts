import type { Pairs } from '../backends/pair.ts'
import type { Address, Secret } from '../backends/secret.ts'
import type { Clock } from '../core/clock.ts'
import type { Coherence } from '../ledger/coherence.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Database } from '../ledger/postgres/database.ts'
import { makeInventory } from '../ledger/postgres/inventory.ts'
import { type Mismatches, makeMismatches } from '../ledger/postgres/mismatches.ts'
import { readOwing } from '../ledger/postgres/owing.ts'
import { addCounts, type Counts, NO_COUNTS, readCounts } from '../ledger/postgres/progress.ts'
import { makeProof } from '../ledger/postgres/proof.ts'
import type { Stages } from '../ledger/postgres/stages.ts'
import { readAcceptedUnaddressed } from '../ledger/postgres/unaddressed.ts'
import { makeVerification, type Verification } from '../ledger/postgres/verification.ts'
import type { BackfillDeps } from './backfill.ts'
import type { MigratorSection } from './config.ts'
import type { EnrolDeps } from './enrol.ts'
import type { InventoryDeps } from './inventory.ts'
import type { LeaveDeps } from './leave.ts'
import type { MigratorMetrics } from './metrics.ts'
import type { Pace } from './pace/pace.ts'
import { limitsOf, makePaces } from './pace/paces.ts'
import { countUnaddressed } from './unaddressed.ts'
import type { VerifyDeps } from './verify-page.ts'

/** What all stages together need. */
export interface MigratorDeps extends EnrolDeps, InventoryDeps, BackfillDeps, VerifyDeps, LeaveDeps {
  readonly verification: Verification
  /** Exact counts of an integration, from the ledger. */
  readonly counts: (integration: string) => Promise<Counts>
}

export interface MigratorParts {
  readonly database: Database
  readonly ledger: Ledger
  readonly stages: Stages
  readonly pairs: Pairs
  readonly fingerprint: (address: Address, secret: Secret) => string
  readonly coherence: Pick<Coherence, 'strike'>
  readonly clock: Clock
  readonly addressable: (address: Address) => boolean
  readonly settings: MigratorSection
  readonly metrics: MigratorMetrics
  /** Left out: that of `settings`, for this process alone. */
  readonly pace?: Pace
  /** Where differences are kept; left out: in the ledger, and nobody else is told. */
  readonly mismatches?: Mismatches
  /** Phases by cohort: what finalize and abandon ask for first. */
  readonly enrolments?: EnrolDeps['enrolments']
  readonly outlook?: LeaveDeps['outlook']
  readonly soaking?: LeaveDeps['soaking']
  readonly endsKey?: LeaveDeps['endsKey']
  readonly onFinalized?: LeaveDeps['onFinalized']
}

export function makeMigratorDeps(parts: MigratorParts): MigratorDeps {
  const { database, ledger, settings, metrics } = parts
  const counts = (integration: string) => countsOf(database, integration)
  const stores = (integration: string) => parts.pairs(integration).stores
  return {
    ...parts,
    ...settings,
    integrations: () => ledger.integrations(),
    stores,
    inventory: makeInventory(database),
    verification: makeVerification(database),
    proof: makeProof(database),
    outlook: parts.outlook ?? (() => []),
    soaking: parts.soaking ?? (() => []),
    endsKey: parts.endsKey ?? (async () => false),
    onFinalized: parts.onFinalized ?? (async () => {}),
    mismatches: parts.mismatches ?? makeMismatches(database),
    owing: (integration, since) => readOwing(database, integration, since),
    counts,
    unaddressed: (integration) => countUnaddressed({ stores, clock: parts.clock }, integration),
    acceptedUnaddressed: (integration) => readAcceptedUnaddressed(database, integration),
    pace: parts.pace ?? makePaces({ clock: parts.clock, limits: () => limitsOf(settings) }),
    rows: async (integration) => {
      const { discovered, tombstones } = await counts(integration)
      return discovered + tombstones
    },
    onNames: (_integration, side, names) => metrics.inventoried.inc({ side }, names),
    onSettled: (_integration, result, secrets) => metrics.settles.inc({ result }, secrets),
    onVerified: (_integration, result) => metrics.verified.inc({ result }),
  }
}

export async function countsOf(database: Database, integration: string): Promise<Counts> {
  return (await readCounts(database, [integration])).reduce<Counts>(addCounts, NO_COUNTS)
}
