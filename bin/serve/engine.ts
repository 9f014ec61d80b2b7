import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Clock } from '../../core/clock.ts'
import { makeCohortRecords } from '../../ledger/postgres/cohorts.ts'
import { makeEnrolments } from '../../ledger/postgres/enrolments.ts'
import { readGateFigures } from '../../ledger/postgres/gate-figures.ts'
import { makeGateRecords } from '../../ledger/postgres/gate-records.ts'
import { makeJournal } from '../../ledger/postgres/journal.ts'
import { makeMismatches } from '../../ledger/postgres/mismatches.ts'
import { makeNames } from '../../ledger/postgres/names.ts'
import { readDebts, readDue } from '../../ledger/postgres/owing.ts'
import { makePaceReports } from '../../ledger/postgres/pace-reports.ts'
import { makePaceRecords } from '../../ledger/postgres/paces.ts'
import { readCohortCounts } from '../../ledger/postgres/progress.ts'
import { countOnlyNew } from '../../ledger/postgres/quarantine.ts'
import { settle } from '../../ledger/settle.ts'
import { makeMigratorDeps } from '../../migrator/deps.ts'
import { makeSettler } from '../../migrator/settler.ts'
import type { CoreDeps } from '../../proxy/core/context.ts'
import { makeLazy } from '../../proxy/core/lazy.ts'
import { CORE_RULES } from '../../proxy/core/rules.ts'
import { makeSecrets } from '../../proxy/core/secrets.ts'
import { inTurn, makeTurns, TURNS } from '../../proxy/core/turns.ts'
import { isAddressable } from '../../proxy/http/path.ts'
import { makeShadow } from '../../proxy/shadow/shadow.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { CAPS_KEY } from './cap-reach.ts'
import { openCaps } from './caps.ts'
import { makeCohortKeep } from './cohort-keep.ts'
import { makeComparisons } from './comparisons.ts'
import { countCall, countEvent } from './count-events.ts'
import { makeCounting, totalOf } from './counts.ts'
import { makeDigests } from './digests.ts'
import { debtsToSettle, openFlags } from './flags.ts'
import { figuresByCohort } from './gate-figures.ts'
import { makeGates } from './gates.ts'
import { makeGuardWatch } from './guard.ts'
import { makeIdentity } from './identity.ts'
import { keyEnd } from './key-end.ts'
import { openLedger } from './ledger.ts'
import { makeLegacyFirst } from './legacy-first.ts'
import type { Metrics } from './metrics.ts'
import { makeObserver } from './observer.ts'
import { openPace } from './pace.ts'
import { type Runs, saidCohorts, saidPhases } from './said-runs.ts'
import { startAtZero } from './start-at-zero.ts'
import { makeStillNew } from './still-new.ts'
import { openStores, silent, tellVerdicts } from './stores.ts'
import { openWork } from './work.ts'

/** Room between a store's deadline and the lease, so that a put never starts which could not end in time. */
const READ_DEADLINE_MS = 2000

export type Engine = Awaited<ReturnType<typeof makeEngine>>

export interface EngineOptions {
  readonly config: CrossfadeConfig
  readonly clock: Clock
  readonly metrics: Metrics
  /** A stable identity: a replica of the same name replaces its predecessor in the ledger. */
  readonly name: string
  /** Without one, debts are left to other processes. */
  readonly worker: boolean
  readonly log?: Pick<Logger, 'warn' | 'info'>
  /** False: a process that only works. */
  readonly serves?: boolean
  /** Told when it turns out to be configured otherwise than what the ledger holds was enrolled, or no longer is. */
  readonly onProblems?: (problems: readonly string[]) => void
}

/** All parts of one proxy process, connected to each other; nothing runs and nothing was contacted yet. */
export async function makeEngine(options: EngineOptions) {
  const { config, clock, metrics, name, worker, log, serves = true, onProblems = () => {} } = options
  const parts = openLedger(config, clock, metrics.ledger, name, serves)
  const { database, ledger, memory, replica, coherence, bareWrites, stages } = parts
  const paceRecords = makePaceRecords(database)
  const paceReports = makePaceReports(database)
  const pace = openPace({
    section: config.migrator,
    clock,
    metrics: metrics.migrator,
    pairs: (integration) => stores.pairs(integration),
    records: paceRecords,
    reports: paceReports,
    id: parts.id,
  })
  const stores = openStores(config, clock, metrics.backends, {
    onCall: pace.onStore,
    admits: (store) => identity.admits(store),
    onVerdict: tellVerdicts(log),
  })
  const { pairs } = stores
  const digests = makeDigests(config, pairs)
  const flags = await openFlags(config, { database, replica, clock, metrics: metrics.flags })
  const shown: { phases: Runs['phases'] } = { phases: {} }
  const enrolments = makeEnrolments<Runs>(database)
  const identity = makeIdentity({
    config,
    self: { id: parts.id, name },
    integrations: ledger.integrations,
    remembered: (integration) => memory.integration(integration),
    enrolments,
    stores: () => stores.all,
    runs: () => ({ cohorts: saidCohorts(flags.cohorts.rules()), phases: shown.phases }),
    clock,
    onProblems,
  })
  const cohortKeep = makeCohortKeep(flags, makeCohortRecords(database))
  const gateRecords = makeGateRecords(database)
  const comparisons = makeComparisons(gateRecords, flags.cohorts)
  const gates = makeGates({
    integrations: () => flags.integrations,
    gatesOf: flags.gatesOf,
    history: (integration) => flags.phases.history(integration),
    cohorts: () => flags.cohorts,
    caps: flags.storedCaps,
    pin: flags.pin,
    book: flags.gateBook,
    records: gateRecords,
    figures: async (integration) => {
      await comparisons.flush()
      return figuresByCohort(await readGateFigures(database, integration), flags.cohorts)
    },
    capsRevision: () => parts.follows[CAPS_KEY] ?? 0,
    epoch: (integration) => memory.integration(integration)?.epoch ?? 0,
    follows: parts.follows,
    clock,
  })
  const counting = makeCounting({ count: (names) => readCohortCounts(database, flags.cohorts.of, names), clock })
  const journal = makeJournal(database)
  const capSpread = openCaps(config, { ledger: parts, flags, clock, metrics: metrics.ledger, journal })
  const guard = makeGuardWatch({
    self: parts.id,
    config,
    flags,
    bus: parts.bus,
    spread: capSpread,
    clock,
    metrics: metrics.flags,
  })
  const mismatches = guard.tellOf(makeMismatches(database))
  const settleDeps = { ledger, pairs, fingerprint: digests.fingerprint, coherence, clock }
  startAtZero(metrics, flags.integrations)
  const shadow = makeShadow({
    pairs,
    fingerprint: digests.fingerprint,
    row: async (address) => (await ledger.ask(address)).row,
    recorder: {
      record: async ({ address, class: found, fingerprints, versions }) => {
        await mismatches.record({
          ...address,
          source: 'shadow',
          class: found,
          legacyFingerprint: fingerprints.legacy,
          newFingerprint: fingerprints.new,
          legacyVersion: versions.legacy,
          newVersion: versions.new,
        })
      },
      resolve: (address) => mismatches.resolve([address]),
    },
    clock,
    metrics: metrics.proxy,
    // New is judged by what serves; what a comparison reads there, nobody waits for.
    onLook: (look) => {
      if (look.side === 'legacy') guard.observe(look)
      countCall(metrics, look)
    },
    limits: config.shadow,
    onCompared: comparisons.count,
  })
  const phaseOf = (integration: string, customer: string) => flags.phases.decide(integration, customer).effective
  const stillNew = makeStillNew({
    count: (integrations) => countOnlyNew(database, integrations),
    cohorts: flags.cohorts,
    legacyFirst: makeLegacyFirst({ outlook: flags.outlook, cohorts: flags.cohorts, phaseOf }),
    clock,
    silentStore: (integration) => silent(pairs(integration).stores.new, clock),
  })
  const deps: CoreDeps = {
    pairs,
    phaseOf,
    ledger,
    replica,
    coherence,
    fingerprint: digests.fingerprint,
    etag: digests.etag,
    settleOne: (only) =>
      settle(settleDeps, {
        integration: only.integration,
        source: null,
        only,
        limit: 1,
        lease: config.ledger.operation_lease,
      }),
    shadow: (observation) => shadow.compare(observation),
    rules: CORE_RULES,
    clock,
    newId: randomUUID,
    bareWrites,
    lease: config.ledger.operation_lease,
    readDeadline: READ_DEADLINE_MS,
    whenLedgerDown: config.ledger.when_down.reads,
    onEvent: (event) => {
      if (event.kind === 'call' && event.judged) guard.observe(event)
      countEvent(metrics, event)
    },
  }
  const lazy = makeLazy(ledger, coherence)
  const migratorDeps = makeMigratorDeps({
    pace: pace.paces,
    database,
    ledger,
    stages,
    pairs,
    fingerprint: digests.fingerprint,
    coherence,
    clock,
    addressable: isAddressable,
    settings: config.migrator,
    metrics: metrics.migrator,
    outlook: flags.outlook,
    soaking: flags.soaking,
    mismatches,
    enrolments: identity,
    ...keyEnd(config, ledger, journal),
  })
  const work = openWork({
    config,
    database,
    ledger,
    migratorDeps,
    metrics,
    clock,
    id: parts.id,
    name,
    kind: serves ? 'serve' : 'worker',
    registry: parts.registry,
    paceReports,
  })
  const settler = makeSettler({
    ...settleDeps,
    ...config.migrator,
    pace: pace.paces,
    enrolled: () => flags.integrations.filter((integration) => replica.state(integration) === 'enrolled'),
    wanted: (integration) => debtsToSettle(flags.outlook(integration)),
    due: (wanted) => readDue(database, wanted),
    onPass: stillNew.settled,
    metrics: metrics.migrator,
  })
  const observer = makeObserver({
    config,
    flags,
    state: replica.state,
    counts: async (names) => {
      const counted = await counting.of(names)
      return new Map([...counted].map(([name, figures]) => [name, totalOf(figures)]))
    },
    debts: () => readDebts(database),
    workers: work.registry.live,
    metrics,
    onPhases: (outlooks) => {
      shown.phases = saidPhases(outlooks)
    },
    clock,
    sample: config.migrator.settler.sample,
  })
  return {
    config,
    clock,
    metrics,
    observer,
    worker,
    stores,
    parts,
    flags,
    capSpread,
    identity,
    enrolments,
    cohortKeep,
    comparisons,
    counting,
    gates,
    guard,
    stillNew,
    memory,
    mismatches,
    journal,
    shadow,
    lazy,
    secrets: inTurn(makeSecrets(deps, lazy, makeNames(database)), makeTurns({ clock, ...TURNS })),
    migratorDeps,
    work,
    settler,
    pace,
    paceRecords,
  }
}
