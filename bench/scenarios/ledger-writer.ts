import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readSecretFile } from '../../backends/key-file.ts'
import { type Address, type Secret, SecretValue } from '../../backends/secret.ts'
import { ANY } from '../../backends/store.ts'
import { loadConfig } from '../../bin/config/load.ts'
import type { CrossfadeConfig } from '../../bin/config/schema.ts'
import { makeDigests } from '../../bin/serve/digests.ts'
import { makeMetrics } from '../../bin/serve/metrics.ts'
import { type OpenStores, openStores } from '../../bin/serve/stores.ts'
import { systemClock } from '../../core/clock.ts'
import { soleReplica } from '../../ledger/coherence.ts'
import { makeMemory } from '../../ledger/memory.ts'
import { makeDatabase } from '../../ledger/postgres/database.ts'
import { migrateLedger } from '../../ledger/postgres/migrate.ts'
import { makeNames } from '../../ledger/postgres/names.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { makeReplicas } from '../../ledger/postgres/replicas.ts'
import { makeStages } from '../../ledger/postgres/stages.ts'
import { makeReplica } from '../../ledger/replica.ts'
import { makeBareWrites } from '../../proxy/core/bare-writes.ts'
import { makeLazy } from '../../proxy/core/lazy.ts'
import { CORE_RULES } from '../../proxy/core/rules.ts'
import { makeSecrets } from '../../proxy/core/secrets.ts'
import type { Slice } from '../load.ts'

/*
 * One way to write a secret to both stores, in a process of its own: `plain` puts to one after the other, `ledger` is the
 * proxy's core in dualwrite, `ungrouped` the same with a ledger that gathers nothing. It takes a configuration file and
 * the way, prints its address as JSON, measures at GET /?writers=N&ms=M, and ends on SIGTERM.
 */

const [configFile = '', way = ''] = process.argv.slice(2)
const INTEGRATION = 'aws'
const NAMES = 2000
const FILLERS = 32

interface Writer {
  write(address: Address, secret: Secret): Promise<void>
  /** Resolves when nothing is left that a write put off. */
  flush(): Promise<void>
}

const plain = ({ pairs }: OpenStores): Writer => {
  const { legacy, new: fresh } = pairs(INTEGRATION).stores
  return {
    write: async (address, secret) => {
      for (const store of [legacy, fresh]) {
        const outcome = await store.put(address, secret, ANY, { deadline: systemClock.monotonic() + 2000 })
        if (outcome.kind !== 'done') throw new Error(outcome.kind)
      }
    },
    flush: async () => undefined,
  }
}

const openDatabase = ({ ledger }: CrossfadeConfig) =>
  makeDatabase({
    url: ledger.url,
    password: ledger.password_file === undefined ? undefined : readSecretFile(ledger.password_file),
    maxConnections: ledger.max_connections,
    statementTimeout: ledger.statement_timeout,
  })

/** As bin/serve composes it, without flags, fronts and settler: it is always dualwrite. */
const core = async (config: CrossfadeConfig, stores: OpenStores, grouped: boolean): Promise<Writer> => {
  const database = openDatabase(config)
  await migrateLedger(database)
  const ledger = grouped
    ? makePostgresLedger(database)
    : makePostgresLedger(database, { parallel: config.ledger.max_connections, max: 1 })
  const replicas = makeReplicas(database, ledger.integrations)
  const [row] = await ledger.integrations()
  const stages = makeStages(database, replicas, systemClock)
  if (row === undefined)
    for (const next of ['enrolling', 'enrolled'] as const) await stages.transition(INTEGRATION, next)
  const memory = makeMemory()
  const coherence = soleReplica(memory)
  const replica = makeReplica({
    id: randomUUID(),
    name: way,
    lease: 3_600_000,
    ledger,
    replicas,
    memory,
    clock: systemClock,
    drained: async () => undefined,
    hears: () => true,
  })
  await replica.start()
  const lazy = makeLazy(ledger, coherence)
  const secrets = makeSecrets(
    {
      pairs: stores.pairs,
      phaseOf: () => 'dualwrite',
      ledger,
      replica,
      coherence,
      ...makeDigests(config, stores.pairs),
      settleOne: async () => [],
      shadow: () => undefined,
      rules: CORE_RULES,
      clock: systemClock,
      newId: randomUUID,
      bareWrites: makeBareWrites(),
      lease: config.ledger.operation_lease,
      readDeadline: 2000,
      whenLedgerDown: 'proven',
      onEvent: () => undefined,
    },
    lazy,
    makeNames(database),
  )
  return {
    write: async (address, secret) => {
      await secrets.write(address, secret, { kind: 'none' })
    },
    flush: () => lazy.flush(),
  }
}

const secretOf = (): Secret => ({
  value: SecretValue.ofText(randomBytes(24).toString('base64url')),
  contentType: 'text/plain',
  metadata: {},
})

const addressOf = (n: number): Address => ({ integration: INTEGRATION, customer: `bench-${way}`, name: `written/${n}` })

/** Each of `writers` writes again as soon as its write was answered, until `more` says no. */
const drive = async (writer: Writer, writers: number, more: () => Address | null): Promise<Slice> => {
  const latenciesMs: number[] = []
  let failures = 0
  const start = performance.now()
  const one = async (): Promise<void> => {
    for (let address = more(); address !== null; address = more()) {
      const sent = performance.now()
      await writer.write(address, secretOf()).then(
        () => latenciesMs.push(performance.now() - sent),
        () => {
          failures += 1
        },
      )
    }
  }
  await Promise.all(Array.from({ length: writers }, one))
  // What a write put off is part of its price.
  await writer.flush()
  return { latenciesMs, seconds: (performance.now() - start) / 1000, failures }
}

const config = loadConfig(configFile, process.env)
const stores = openStores(config, systemClock, makeMetrics().backends)
const writer = way === 'plain' ? plain(stores) : await core(config, stores, way === 'ledger')

// Every name exists before anything is measured, so that all rounds update.
let filled = 0
await drive(writer, FILLERS, () => (filled < NAMES ? addressOf(filled++) : null))

const server = createServer(async (request, response) => {
  const asked = new URL(request.url ?? '/', 'http://localhost').searchParams
  const end = performance.now() + Number(asked.get('ms'))
  const slice = await drive(writer, Number(asked.get('writers')), () =>
    performance.now() < end ? addressOf(Math.floor(Math.random() * NAMES)) : null,
  )
  response.setHeader('content-type', 'application/json').end(JSON.stringify(slice))
})
process.once('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
