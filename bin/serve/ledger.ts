import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { readSecretFile } from '../../backends/key-file.ts'
import type { Clock } from '../../core/clock.ts'
import { soleReplica } from '../../ledger/coherence.ts'
import { ledgerFault } from '../../ledger/faults.ts'
import { makeMemory } from '../../ledger/memory.ts'
import type { LedgerMetrics } from '../../ledger/metrics.ts'
import { makeDatabase } from '../../ledger/postgres/database.ts'
import { assertDurable, migrateLedger } from '../../ledger/postgres/migrate.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { makeReplicas } from '../../ledger/postgres/replicas.ts'
import { makeStages } from '../../ledger/postgres/stages.ts'
import { makeReplica } from '../../ledger/replica.ts'
import { type BareWrites, makeBareWrites } from '../../proxy/core/bare-writes.ts'
import type { CrossfadeConfig } from '../config/schema.ts'

/** The ledger and this replica's place in it. */
export type LedgerParts = ReturnType<typeof openLedger>

export function openLedger(config: CrossfadeConfig, clock: Clock, metrics: LedgerMetrics, name: string = hostname()) {
  const section = config.ledger
  const database = makeDatabase({
    url: section.url,
    password: section.password_file === undefined ? undefined : readSecretFile(section.password_file),
    maxConnections: section.max_connections,
    statementTimeout: section.statement_timeout,
  })
  const ledger = makePostgresLedger(database)
  const replicas = makeReplicas(database, ledger.integrations)
  const memory = makeMemory()
  const bareWrites: BareWrites = makeBareWrites()
  const coherence = soleReplica(memory)
  const replica = makeReplica({
    id: randomUUID(),
    name,
    lease: section.replica_lease,
    ledger,
    replicas,
    memory,
    clock,
    drained: bareWrites.drained,
    hears: () => true,
    onLease: (held) => metrics.leaseHeld.set(held ? 1 : 0),
  })
  return {
    database,
    ledger,
    replicas,
    memory,
    bareWrites,
    coherence,
    replica,
    name,
    stages: makeStages(database, replicas, clock),
  }
}

/** Everything that must hold before the first begin. Rejects; may be called again. */
export async function prepareLedger({ database, replicas, name }: LedgerParts): Promise<void> {
  await assertDurable(database, false)
  await migrateLedger(database)
  await assertAlone(replicas, name)
}

/** Without a bus two replicas would not hear of each other's debts. */
async function assertAlone(replicas: LedgerParts['replicas'], name: string): Promise<void> {
  const others = (await replicas.live()).filter((replica) => replica.name !== name)
  if (others.length > 0) throw ledgerFault('second-replica', others.map((replica) => replica.name).join(', '))
}
