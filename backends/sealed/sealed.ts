/**
 * The new service: one row a version, each with an id of its own, sealed under its customer's key and bound to its
 * address and version. A version is known before it is sealed, so every write is conditional: an unconditional one
 * reads the head first, and again if another write came between.
 */
import type { Clock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import { unlessAborted } from '../abort.ts'
import { type Answers, answersTo, byAddress, itself } from '../answers.ts'
import { type Failure, failedAs, readError, writeFailure } from '../failure.ts'
import { inRounds } from '../rounds.ts'
import { type FailedAnswer, NEVER_SENT } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import { gatherGets } from '../sql/gather.ts'
import { scanPage } from '../sql/scan.ts'
import { connectFailure } from '../sql/sqlstate.ts'
import { unanswered } from '../sql/unanswered.ts'
import type { Call, Capabilities, PutOutcome, Store, StoreProblem } from '../store.ts'
import { makeCustomers } from './customers.ts'
import { sealedIdentity } from './identity.ts'
import { makeKeyCare } from './key-care.ts'
import type { Keyring } from './keyring.ts'
import { assertNotNewer, migrateSealed, readVersion } from './migrate.ts'
import { makeReads } from './reads.ts'
import { sealedStatements } from './statements.ts'
import { versionIds } from './version-id.ts'
import { type Change, makeWrites } from './writes.ts'

export interface SealedOptions {
  readonly name: string
  readonly schema: string
  readonly keepVersions: number
  readonly maxSize: number
  readonly database: Database
  readonly keyring: Keyring
  readonly clock: Clock
  readonly random: (bytes: number) => Uint8Array
}

const capabilitiesOf = (maxSize: number): Capabilities => ({
  fence: { has: true },
  bound: { has: true },
  compareAndSet: { has: true },
  versions: { has: true },
  contentType: { has: true },
  metadata: { has: true },
  batch: { max: 500 },
  values: 'bytes',
  maxSize,
})

export function makeSealedStore(options: SealedOptions): Store {
  const { name, database, keyring, clock, maxSize } = options
  const capabilities = capabilitiesOf(maxSize)
  const sql = sealedStatements(options.schema, options.keepVersions)
  const migrated = migrating(database, options.schema)
  const reads = makeReads(database, keyring, sql)
  const newIds = (count: number): readonly string[] => versionIds(count, clock.wall(), options.random)
  const write = makeWrites({ database, keyring, sql, maxSize, clock, newIds })

  const writeRound = async <C extends Change>(changes: readonly C[], call: Call): Promise<Answers<C, PutOutcome>> => {
    const stopped = await migrated(call)
    return stopped ? answersTo(changes, itself, () => writeFailure(stopped.failure)) : write(changes, call)
  }
  const writeOne = async (change: Change, call: Call): Promise<PutOutcome> =>
    (await writeRound([change], call)).of(change)
  const getMany: Store['getMany'] = async (addresses, call) => {
    const stopped = await migrated(call)
    return stopped ? byAddress(addresses, () => readError(stopped.failure)) : reads.getMany(addresses, call)
  }
  const getOne: Store['get'] = async (address, call) => {
    const stopped = await migrated(call)
    return stopped ? readError(stopped.failure) : reads.getOne(address, call)
  }

  return {
    name,
    kind: 'sealed',
    capabilities,
    keys: makeKeyCare({
      database,
      keyring,
      customers: makeCustomers(database, options.schema),
      schema: options.schema,
      migrated,
    }),
    get: gatherGets(capabilities.batch.max, getOne, getMany),
    getMany,
    put: (address, secret, condition, call) => writeOne({ address, secret, condition }, call),
    putMany: (puts, call) => inRounds(puts, (round) => writeRound(round, call)),
    remove: (address, condition, call) => writeOne({ address, secret: null, condition }, call),
    scan: async (integration, page, call) => {
      const stopped = await migrated(call)
      return stopped ? failedAs(stopped.failure) : scanPage(database, sql, integration, page, call)
    },
    ...(keyring.pause && { pause: keyring.pause }),
    ping: async (call) => {
      const answer = await database.ask({ name: 'crossfade_ping', text: 'SELECT 1' }, [], call)
      const failed = answer.kind === 'failed' ? answer : await keyring.ping(call)
      return failed ? failedAs(failed.failure) : { kind: 'ok' }
    },
    identity: async (call, make) => {
      const stopped = make ? await migrated(call) : null
      return stopped ? failedAs(stopped.failure) : sealedIdentity(database, options.schema, call)
    },
    check: (call) => check(options, call),
    close: async () => {
      await Promise.all([keyring.close(), database.close()])
    },
  }
}

type Migrated = (call: Call) => Promise<FailedAnswer | null>

const error = (message: string): StoreProblem => ({ level: 'error', message })

/** Changes nothing: a schema that is still to be made is no problem, one of a newer program is. */
async function check({ database, schema, keyring }: SealedOptions, call: Call): Promise<readonly StoreProblem[]> {
  try {
    const version = await unlessAborted(readVersion(database.pool, schema), call.signal, null)
    if (version === null) return [{ ...error('the store did not answer in time'), passing: true }]
    assertNotNewer(version, schema)
    return await keyring.check(call, version > 0)
  } catch (thrown) {
    return [isFault(thrown) ? error(thrown.message) : unanswered(connectFailure(thrown).reason)]
  }
}

/** Brings the schema up to date before the first call; a failure is forgotten, so the next call tries again. */
function migrating(database: Database, schema: string): Migrated {
  let running: Promise<FailedAnswer | null> | null = null
  let done = false
  const run = async (): Promise<FailedAnswer | null> => {
    try {
      const finished = migrateSealed(database.pool, schema).then(() => true)
      done = await unlessAborted(finished, AbortSignal.timeout(MIGRATION_MS), false)
      running = null
      return done ? null : NEVER_SENT
    } catch (thrown) {
      running = null
      // Whatever stopped it, the call itself was never sent.
      return { kind: 'failed', failure: isFault(thrown) ? REFUSED : connectFailure(thrown) }
    }
  }
  return async (call) => {
    if (done) return null
    if (call.signal?.aborted) return NEVER_SENT
    running ??= run()
    return unlessAborted(running, call.signal, NEVER_SENT)
  }
}

/** A server that stops answering in the middle must not stop every later call. */
const MIGRATION_MS = 60_000
const REFUSED: Failure = { certain: true, reason: 'rejected', passing: false }
