import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { followSecretFile } from '../../backends/key-file.ts'
import type { Clock } from '../../core/clock.ts'
import { type Bus, noBus } from '../../ledger/bus.ts'
import { makeCoherence, soleReplica } from '../../ledger/coherence.ts'
import { ledgerFault } from '../../ledger/faults.ts'
import type { IntegrationRow } from '../../ledger/ledger.ts'
import { makeMemory } from '../../ledger/memory.ts'
import type { LedgerMetrics } from '../../ledger/metrics.ts'
import { makeOnlooker } from '../../ledger/onlooker.ts'
import { type Database, type DatabaseOptions, makeDatabase } from '../../ledger/postgres/database.ts'
import { assertDurable, migrateLedger } from '../../ledger/postgres/migrate.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { makeForgetting, makeReplicas, readLedgerId } from '../../ledger/postgres/replicas.ts'
import { makeStages, type Stages } from '../../ledger/postgres/stages.ts'
import { makeWorkerRegistry } from '../../ledger/postgres/workers.ts'
import type { RedisBus } from '../../ledger/redis/bus.ts'
import { makeReplica, type Replica } from '../../ledger/replica.ts'
import { type BareWrites, makeBareWrites } from '../../proxy/core/bare-writes.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { makeBus } from './bus.ts'
import { assertFingerprintKey } from './fingerprint-key.ts'

/** A renewal, and a join beside it, wait for no other statement. */
const LEASE_CONNECTIONS = 2

/** The ledger and this replica's place in it. */
export type LedgerParts = ReturnType<typeof openLedger>

export function openLedger(
  config: CrossfadeConfig,
  clock: Clock,
  metrics: LedgerMetrics,
  name: string = hostname(),
  serves = true,
) {
  const section = config.ledger
  const id = randomUUID()
  const connecting = {
    url: section.url,
    password: section.password_file === undefined ? undefined : followSecretFile(section.password_file),
    statementTimeout: section.statement_timeout,
    clock,
    onQuery: (outcome, seconds) => {
      metrics.queries.inc({ outcome })
      metrics.querySeconds.observe(seconds)
    },
  } satisfies Partial<DatabaseOptions>
  const database = makeDatabase({ ...connecting, maxConnections: section.max_connections })
  const leases = makeDatabase({ ...connecting, maxConnections: LEASE_CONNECTIONS })
  metrics.watchConnections(database.connections)
  const ledger = makePostgresLedger(database)
  const replicas = makeReplicas(database, makePostgresLedger(leases).integrations, leases)
  const memory = makeMemory()
  const bareWrites: BareWrites = makeBareWrites()
  const redis = config.bus === undefined ? null : makeBus(config.bus, { id, clock, metrics })
  const bus: Bus = redis ?? noBus
  const coherence =
    config.bus === undefined
      ? soleReplica(memory)
      : makeCoherence({
          id,
          bus,
          memory,
          replicas,
          clock,
          newId: randomUUID,
          patience: config.bus.patience,
          onRevoked: (ids) => metrics.revoked.inc(ids.length),
        })
  /** Versions of what this replica follows beside the states of the integrations. */
  const follows: Record<string, number> = {}
  const onLedger = (answers: boolean) => metrics.reachable.set(answers ? 1 : 0)
  const serving = () =>
    makeReplica({
      id,
      name,
      lease: section.replica_lease,
      ledger,
      replicas,
      memory,
      clock,
      drained: bareWrites.drained,
      hears: bus.hears,
      onLease: (held) => {
        metrics.leaseHeld.set(held ? 1 : 0)
        if (held) metrics.joins.inc()
      },
      onLedger,
      alsoApplied: () => follows,
    })
  const replica: Replica = serves ? serving() : makeOnlooker({ id, ledger, memory, onLedger })
  listenTo(bus, replica)
  return {
    id,
    database,
    ledger,
    replicas,
    forgetting: makeForgetting(database),
    memory,
    bareWrites,
    redis,
    bus,
    busPrefix: config.bus?.prefix ?? '',
    assertKey: (rows: readonly IntegrationRow[]) => assertFingerprintKey(config, rows),
    coherence,
    follows,
    replica,
    name,
    serves,
    registry: makeWorkerRegistry(database),
    stages: spread(makeStages(database, replicas, clock), id, bus, replica),
    close: async () => {
      await Promise.all([database.close(), leases.close()])
    },
  }
}

/** One that was under way may have read before the change. */
const refreshAgain = (replica: Replica): void => void replica.refresh().then(() => replica.refresh())

/** What was missed is loaded anew; what changed is looked at within milliseconds. */
function listenTo(bus: Bus, replica: Replica): void {
  bus.onHearing(() => {
    replica.distrust()
    refreshAgain(replica)
  })
  bus.onMessage((message) => {
    if (message.kind === 'look' && message.what === 'integrations') refreshAgain(replica)
  })
}

/** A change of state is looked at by every replica at once, this one too. */
function spread(stages: Stages, id: string, bus: Bus, replica: Replica): Stages {
  const told = <T>(answer: T): T => {
    bus.publish({ kind: 'look', from: id, what: 'integrations' })
    refreshAgain(replica)
    return answer
  }
  return {
    ...stages,
    transition: async (integration, next) => told(await stages.transition(integration, next)),
    enrol: async (integration, enrolment) => told(await stages.enrol(integration, enrolment)),
    leave: async (integration, next, note) => told(await stages.leave(integration, next, note)),
  }
}

/** ms that a start waits for the bus; without it the replica serves, and asks the ledger on each read. */
const BUS_PATIENCE_MS = 2000

/** Everything that must hold before the first begin. Rejects; may be called again. */
export async function prepareLedger(parts: LedgerParts): Promise<void> {
  const { database, redis } = parts
  await assertDurable(database, false)
  await migrateLedger(database)
  parts.assertKey(await parts.ledger.integrations())
  if (redis === null) await assertAlone(parts)
  else await openBus(redis, database, parts.busPrefix)
}

async function openBus(redis: RedisBus, database: Database, prefix: string): Promise<void> {
  await redis.open(`${prefix}:${await readLedgerId(database)}`, BUS_PATIENCE_MS)
}

/**
 * Without a bus two replicas would not hear of each other's debts, and a replica would not hear that a process that only
 * works has settled one.
 */
async function assertAlone({ replicas, registry, name, serves }: LedgerParts): Promise<void> {
  const others = (await replicas.live()).filter((replica) => replica.name !== name || !serves)
  const workers = serves ? (await registry.list()).filter(({ kind, live }) => kind === 'worker' && live) : []
  const names = [...others, ...workers].map((process) => process.name)
  if (names.length > 0) throw ledgerFault('second-replica', names.join(', '))
}

/**
 * Two that started at once saw nobody when they looked first: asked again when this replica's own lease can be seen. Who joined
 * first stays.
 */
export async function assertStillAlone({ redis, replicas, registry, id, name, serves }: LedgerParts): Promise<void> {
  if (redis !== null || !serves) return
  const live = await replicas.live()
  const before = live.slice(
    0,
    live.findIndex((replica) => replica.id === id),
  )
  const others = before.filter((replica) => replica.name !== name)
  const workers = (await registry.list()).filter((worker) => worker.kind === 'worker' && worker.live)
  const names = [...others, ...workers].map((process) => process.name)
  if (names.length > 0) throw ledgerFault('second-replica', names.join(', '))
}
