import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { makeAudit } from '../../access/make-audit.ts'
import { makeTokens } from '../../access/tokens.ts'
import { loadTokens } from '../../access/tokens-file.ts'
import type { Clock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import { untilAbortedOr } from '../../core/until-aborted.ts'
import { readPageFiles } from '../../dashboards/page-files.ts'
import { observeFlags } from '../../flags/observe.ts'
import { untilReachable } from '../../ledger/postgres/database.ts'
import { takeSample } from '../../ledger/postgres/progress-history.ts'
import type { ClientKind } from '../../migrator/pace/clients-report.ts'
import { makeClientsApp } from '../../proxy/http/clients.ts'
import { clientsDocument } from '../../proxy/http/openapi.ts'
import { operatorsDocument } from '../../proxy/ops/openapi.ts'
import { makeOperatorsApp } from '../../proxy/ops/operators.ts'
import type { OpsPorts } from '../../proxy/ops/ports.ts'
import type { ListenAddress } from '../config/listen.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { makeCapsPort } from '../ops/caps.ts'
import { makeEventsPort } from '../ops/events.ts'
import { makeMismatchesPort } from '../ops/findings.ts'
import { makeFlagsPort } from '../ops/flags.ts'
import { makeGatesPort } from '../ops/gates.ts'
import { makeHeldFlagsPort } from '../ops/held-flags.ts'
import { makeHistoryPort } from '../ops/history.ts'
import { makeIntegrationsPort } from '../ops/integrations.ts'
import { makeKeysPort } from '../ops/keys.ts'
import { makeMigratePort } from '../ops/migrate.ts'
import { makePacePort } from '../ops/pace.ts'
import { makeReplicasPort } from '../ops/replicas.ts'
import { makeStatusPort } from '../ops/status.ts'
import { makeWorkersPort } from '../ops/workers.ts'
import { type Engine, makeEngine } from './engine.ts'
import { hasIntegrationSeries } from './fold-integrations.ts'
import { assertStillAlone, prepareLedger } from './ledger.ts'
import { listen } from './listen.ts'
import { openLive } from './live.ts'
import { followForever, keepForever } from './loops.ts'
import { makeMetrics } from './metrics.ts'
import { makeServeReadiness } from './readiness.ts'
import { type Reload, reload, reloadEvent } from './reload.ts'
import { sampleForever } from './sampler.ts'
import { DRAIN_SHARE, STOP_SHARE, stopInOrder, within } from './shutdown.ts'

/** One running proxy process: two ports, and everything behind them. */
export interface Application {
  /** Empty: it serves none. */
  readonly clients: string
  /** Empty: it has no port. */
  readonly operators: string
  readonly engine: Engine
  /** Reads the configuration again, see reload.ts. */
  reload(read: () => CrossfadeConfig): Promise<Reload>
  /** Readiness goes, requests on their way finish, queues flush, leases are given back. Idempotent. */
  stop(): Promise<void>
}

export interface ApplicationOptions {
  readonly config: CrossfadeConfig
  readonly clock: Clock
  readonly log: Logger
  readonly name: string
  readonly worker: boolean
  /** Of this program, for the documents. */
  readonly version: string
  readonly signal: AbortSignal
  /** Where the operators' port listens instead of where the configuration says; a port that workers do not share. */
  readonly operators?: ListenAddress | null
  /** False: it only works: no port for clients, no replica. */
  readonly serves?: boolean
}

/**
 * Starts one process. The operators' port answers at once; the clients' port opens when the ledger was reached, the
 * debts are loaded and the flags are judged. Rejects when that can never be, or when `signal` is aborted before.
 */
export async function startApplication(options: ApplicationOptions): Promise<Application> {
  const { config, clock, log, serves = true } = options
  const integrations = Object.keys(config.integrations).length
  const metrics = makeMetrics(hasIntegrationSeries(config.metrics.integration_series, integrations))
  const onProblems = (problems: readonly string[]): void =>
    log.error({ problems }, 'configured otherwise than the ledger was told: not ready')
  // What may be refused for good comes before anything that would keep the process.
  const tokens = makeTokens(await loadTokens(config.identity.tokens_file))
  const audit = await makeAudit(config.audit, { clock, metrics: metrics.access })
  const engine = await makeEngine({ ...options, metrics, onProblems }).catch(async (error: unknown) => {
    await audit.close()
    throw error
  })
  const readiness = makeServeReadiness(engine, () => !serves || clients.server.listening)
  const admission = { tokens, audit, clock, accessMetrics: metrics.access }
  const common = { ...admission, log, newId: randomUUID }
  const refreshing = new AbortController()
  const ports = makePorts(engine)
  const ops = makeOperatorsApp({
    ...common,
    registry: metrics.registry,
    readiness,
    document: operatorsDocument(options.version),
    ports,
    live: openLive(engine, ports, refreshing.signal),
    page: readPageFiles(),
  })
  const largest = Math.max(...Object.values(config.integrations).map(({ max_size }) => max_size), 1)
  const clients = makeClientsApp({
    ...common,
    secrets: engine.secrets,
    metrics: metrics.proxy,
    limits: (name) => {
      const section = config.integrations[name]
      return section === undefined ? null : { maxSize: section.max_size }
    },
    bodyLimit: largest,
    onAnswered: (operation, ms) => engine.pace.onClient(KIND_OF[operation], ms),
    phaseOf: (integration, customer) => engine.flags.phases.decide(integration, customer).effective,
    document: clientsDocument(options.version),
  })
  const { flags, parts } = engine
  const stopObserving = observeFlags({
    source: flags.source,
    phases: flags.phases,
    caps: flags.caps,
    gates: flags.gateBook,
    metrics: metrics.flags,
  })

  let stopping: Promise<void> | null = null
  const stop = async (): Promise<void> => {
    readiness.drain()
    const patience = config.shutdown_deadline
    const unended = await stopInOrder(
      [
        { name: 'clients', stop: () => closeFront(clients, clock, patience * DRAIN_SHARE) },
        { name: 'shadow', stop: () => engine.shadow.close() },
        { name: 'guard', stop: () => engine.guard.stop() },
        { name: 'worker', stop: () => engine.work.worker.stop() },
        { name: 'settler', stop: () => (options.worker ? engine.settler.stop() : undefined) },
        { name: 'lazy finishes', stop: () => engine.lazy.flush() },
        { name: 'refresh', stop: () => refreshing.abort() },
        { name: 'comparisons', stop: () => engine.comparisons.flush() },
        { name: 'replica', stop: () => parts.replica.stop() },
        { name: 'bus', stop: () => parts.bus.close() },
        { name: 'operators', stop: () => closeFront(ops, clock, OPERATORS_DRAIN_MS) },
        { name: 'flags', stop: stopObserving },
        { name: 'phases', stop: () => flags.phases.stop() },
        { name: 'flag source', stop: () => flags.source.stop() },
        { name: 'audit', stop: () => audit.close() },
        { name: 'stores', stop: () => engine.stores.close() },
        { name: 'queue', stop: () => engine.work.queue.close() },
        { name: 'ledger', stop: () => parts.close() },
      ],
      clock,
      patience * STOP_SHARE,
    )
    if (unended.length > 0) log.warn({ unended }, 'stopped without waiting for everything')
  }

  try {
    const own = options.operators
    const operatorsUrl =
      own === null ? '' : await listen(ops, own ?? config.listen.operators.address, 'operators', own !== undefined)
    const judged = engine.stores.judge()
    await untilAbortedOr(options.signal, reachLedger(engine, options))
    await judged
    if (serves) engine.guard.start()
    if (options.worker) engine.settler.start()
    if (options.worker) engine.work.worker.start()
    void keepForever(engine, refreshing.signal)
    void followForever(engine, refreshing.signal)
    void engine.observer.run(refreshing.signal)
    if (options.worker) void sampleForever({ clock, take: () => sample(engine) }, refreshing.signal)
    void engine.pace.run(refreshing.signal)
    const clientsUrl = serves ? await listen(clients, config.listen.clients.address, 'clients') : ''
    return {
      clients: clientsUrl,
      operators: operatorsUrl,
      engine,
      reload: async (read) => {
        const result = await reload({
          config,
          read,
          flags,
          audit,
          tokens,
          largest,
          identity: engine.identity,
          cohortKeep: engine.cohortKeep,
        })
        void engine.stores.judge()
        // A ledger that is down is no reason to keep a configuration that holds already from being told.
        await engine.journal.append(reloadEvent(result, options.name)).catch(() => {})
        return result
      },
      stop: () => {
        stopping ??= stop()
        return stopping
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** ms that requests of operators have; their streams are ended first. */
const OPERATORS_DRAIN_MS = 2000

/** Answers what is on its way; what has not come to an end by then loses its connection. */
async function closeFront(app: FastifyInstance, clock: Clock, patience: number): Promise<void> {
  const closed = app.close()
  if (await within(clock, clock.monotonic() + patience, () => closed)) return
  app.server.closeAllConnections()
  await closed
}

const makePorts = (engine: Engine): OpsPorts => ({
  status: makeStatusPort(engine),
  history: makeHistoryPort(engine),
  flags: makeFlagsPort(engine),
  heldFlags: makeHeldFlagsPort(engine),
  caps: makeCapsPort(engine),
  gates: makeGatesPort(engine),
  migrate: makeMigratePort(engine),
  pace: makePacePort(engine),
  mismatches: makeMismatchesPort(engine),
  events: makeEventsPort(engine),
  replicas: makeReplicasPort(engine),
  integrations: makeIntegrationsPort(engine),
  workers: makeWorkersPort(engine),
  keys: makeKeysPort(engine),
})

const sample = ({ parts, flags }: Engine): Promise<boolean> =>
  takeSample(parts.database, (customer) => flags.cohorts.of(customer))
/** What a request is to whoever watches clients' latency. */
const KIND_OF = { get: 'read', list: 'read', put: 'write', delete: 'write' } as const satisfies Record<
  string,
  ClientKind
>

/** A cold start without the ledger is not ready, says so and tries again; a ledger that refuses is final. */
async function reachLedger(engine: Engine, { log, clock, signal }: ApplicationOptions): Promise<void> {
  const { parts, flags } = engine
  for (;;) {
    await untilReachable(
      parts.database,
      (detail) => log.warn({ detail }, 'the ledger does not answer: not ready'),
      signal,
      clock,
    )
    try {
      await prepareLedger(parts)
      await engine.work.queue.prepare()
      await engine.identity.judge()
      await engine.capSpread.learn(signal)
      await engine.cohortKeep.judge()
      await flags.phases.start()
      await engine.gates.load()
      await parts.replica.start()
      await engine.identity.admit()
      await engine.cohortKeep.keep()
      await assertStillAlone(parts)
      return
    } catch (error) {
      if (!isFault(error) || !AGAIN.has(error.code)) throw error
      // Nobody shall wait for one that does not serve.
      await parts.replicas.leave(parts.id).catch(() => undefined)
      engine.identity.waits(error.code === 'replica-differs' ? error : null)
      log.warn({ detail: error.detail }, `${error.title}: trying again`)
      await clock.sleep(500, signal)
    }
  }
}

const AGAIN: ReadonlySet<string> = new Set(['ledger-unavailable', 'phase-memory-unavailable', 'replica-differs'])
