import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { Address } from '../../backends/secret.ts'
import { systemClock } from '../../core/clock.ts'
import type { BeginRequest, FinishOutcome, Ledger } from '../../ledger/ledger.ts'
import { type Database, makeDatabase } from '../../ledger/postgres/database.ts'
import { migrateLedger, type Rewrite } from '../../ledger/postgres/migrate.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { makeReplicas, type Replicas } from '../../ledger/postgres/replicas.ts'
import { makeStages, type Stages } from '../../ledger/postgres/stages.ts'
import { freshDatabase } from '../support/postgres.ts'

export const INTEGRATION = 'aws'
export const SECRET: Address = { integration: INTEGRATION, customer: 'acme', name: 'api/key' }

export interface LedgerUnderTest {
  readonly url: string
  readonly database: Database
  readonly ledger: Ledger
  readonly replicas: Replicas
  readonly stages: Stages
}

/** A ledger on a fresh real database; `INTEGRATION` is enrolled unless asked otherwise. */
export async function withLedger(
  t: TestContext,
  options: { readonly enrolled?: boolean; readonly rewrite?: Rewrite } = {},
): Promise<LedgerUnderTest> {
  const { url } = await freshDatabase(t)
  const database = makeDatabase({ url, maxConnections: 6, statementTimeout: 10_000 })
  t.after(() => database.close())
  await migrateLedger(database, options.rewrite)
  const ledger = makePostgresLedger(database)
  const replicas = makeReplicas(database, ledger.integrations)
  const stages = makeStages(database, replicas, systemClock)
  if (options.enrolled ?? true) {
    await stages.transition(INTEGRATION, 'enrolling')
    await stages.transition(INTEGRATION, 'enrolled')
  }
  return { url, database, ledger, replicas, stages }
}

export const OFF = { first: 'legacy', second: null } as const
export const DUAL = { first: 'legacy', second: 'new' } as const
export const LIVE = { first: 'new', second: 'legacy' } as const
export const COMPLETE = { first: 'new', second: null } as const

/** A put of `fingerprint`, or a delete when it is `absent`. */
export const beginning = (overrides: Partial<BeginRequest> = {}): BeginRequest => ({
  op: randomUUID(),
  address: SECRET,
  kind: overrides.fingerprint === 'absent' ? 'delete' : 'put',
  plan: DUAL,
  expect: null,
  needsQuiet: false,
  fingerprint: 'v1',
  lease: 60_000,
  ...overrides,
})

export const finishing = (request: BeginRequest, outcome: FinishOutcome) => ({
  op: request.op,
  address: request.address,
  outcome,
  versions: {},
  knownSeq: null,
})

/** Begins and finishes one undisturbed operation. */
export async function operate(ledger: Ledger, request: BeginRequest, outcome: FinishOutcome) {
  const begun = await ledger.begin(request)
  const finished = await ledger.finish(finishing(request, outcome))
  return { begun, finished }
}
