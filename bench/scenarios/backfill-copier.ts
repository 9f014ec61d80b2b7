import { randomBytes } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { readSecretFile } from '../../backends/key-file.ts'
import { openStore } from '../../backends/open.ts'
import { ANY } from '../../backends/store.ts'
import { loadConfig } from '../../bin/config/load.ts'
import type { CrossfadeConfig } from '../../bin/config/schema.ts'
import { LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import { keepHeapSmall } from '../../bin/heap.ts'
import { makeDigests } from '../../bin/serve/digests.ts'
import { makeMetrics } from '../../bin/serve/metrics.ts'
import { openStores } from '../../bin/serve/stores.ts'
import { systemClock } from '../../core/clock.ts'
import { soleReplica } from '../../ledger/coherence.ts'
import { makeMemory } from '../../ledger/memory.ts'
import { makeDatabase } from '../../ledger/postgres/database.ts'
import { migrateLedger } from '../../ledger/postgres/migrate.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { makeReplicas } from '../../ledger/postgres/replicas.ts'
import { makeStages } from '../../ledger/postgres/stages.ts'
import { backfill } from '../../migrator/backfill.ts'
import { makeMigratorDeps } from '../../migrator/deps.ts'
import { takeInventory } from '../../migrator/inventory.ts'
import type { Watch } from '../../migrator/stages.ts'

/*
 * One way to copy every secret of an integration from the legacy database to the new one, in a process of its own, so
 * that its memory is its own too: `copy` is PostgreSQL's COPY into a table with as many indexes as the sealed store keeps;
 * `one_by_one` reads and puts each secret through the adapters; `crossfade` is inventory and backfill. It takes a
 * configuration file, the way and the number of secrets, and prints one JSON line.
 */

const [configFile = '', way = '', wanted = '0'] = process.argv.slice(2)
const INTEGRATION = 'aws'
const secrets = Number(wanted)

export interface Copied {
  readonly secrets: number
  readonly seconds: number
  /** Of the names, before anything is copied; null where there is no such step. */
  readonly inventory_seconds: number | null
  readonly rss_bytes: number
}

const database = (section: { readonly url: string; readonly password_file?: string | undefined }): pg.Pool => {
  const url = new URL(section.url)
  if (section.password_file !== undefined) url.password = encodeURIComponent(readSecretFile(section.password_file))
  return new pg.Pool({ connectionString: url.href, max: 2 })
}

const sideOf = (config: CrossfadeConfig, side: 'legacy' | 'new') => {
  const name = config.integrations[INTEGRATION]?.[side] ?? ''
  const section = config.stores[name]
  if (section === undefined || !('url' in section)) throw new Error(`${side} is no store on PostgreSQL`)
  return { name, section }
}

const timed = async <T>(work: () => Promise<T>): Promise<{ readonly seconds: number; readonly answer: T }> => {
  const start = performance.now()
  const answer = await work()
  return { seconds: (performance.now() - start) / 1000, answer }
}

/** The columns of the legacy table, and the three indexes that a sealed secret is in. */
const COPIED = `
  create schema copied;
  create table copied.credentials (
    provider text collate "C" not null,
    org_id text collate "C" not null,
    key text collate "C" not null,
    secret bytea not null,
    content_type text,
    attributes jsonb not null default '{}',
    modified timestamptz not null default now(),
    version bigint not null default 1,
    id uuid not null default gen_random_uuid() unique,
    primary key (provider, org_id, key),
    unique (provider, org_id, key, version)
  )`

const COLUMNS = 'provider, org_id, key, secret, content_type, attributes, modified'

const copy = async (config: CrossfadeConfig): Promise<Copied> => {
  const [source, target] = [database(sideOf(config, 'legacy').section), database(sideOf(config, 'new').section)]
  await target.query('drop schema if exists copied cascade')
  await target.query(COPIED)
  const [out, into] = [await source.connect(), await target.connect()]
  const { seconds } = await timed(() =>
    pipeline(
      out.query(copyTo(`copy ${LEGACY_TABLE} (${COLUMNS}) to stdout (format binary)`)),
      into.query(copyFrom(`copy copied.credentials (${COLUMNS}) from stdin (format binary)`)),
    ),
  )
  out.release()
  into.release()
  const { rows } = await target.query<{ count: number }>('select count(*)::int as count from copied.credentials')
  await target.query('drop schema copied cascade')
  await Promise.all([source.end(), target.end()])
  return { secrets: rows[0]?.count ?? 0, seconds, inventory_seconds: null, rss_bytes: 0 }
}

const oneByOne = async (config: CrossfadeConfig): Promise<Copied> => {
  const open = (side: 'legacy' | 'new') => {
    const { name, section } = sideOf(config, side)
    return openStore(section, { name, clock: systemClock, metrics: makeMetrics().backends, random: randomBytes })
  }
  const [source, target] = [open('legacy'), open('new')]
  const call = () => ({ deadline: systemClock.monotonic() + 5000 })
  const page = await source.scan(INTEGRATION, { after: null, limit: secrets }, call())
  if (page.kind !== 'page') throw new Error(page.reason)
  const { seconds } = await timed(async () => {
    for (const { customer, name } of page.entries) {
      const address = { integration: INTEGRATION, customer, name }
      const found = await source.get(address, call())
      if (found.kind !== 'found') throw new Error(found.kind)
      const put = await target.put(address, found.secret, ANY, call())
      if (put.kind !== 'done') throw new Error(put.kind)
    }
  })
  await Promise.all([source.close(), target.close()])
  return { secrets: page.entries.length, seconds, inventory_seconds: null, rss_bytes: 0 }
}

const WATCH: Watch = {
  signal: new AbortController().signal,
  over: new AbortController().signal,
  from: null,
  helped: () => 0,
  progress: () => undefined,
  waiting: () => undefined,
  throttled: () => undefined,
}

/** As bin/serve composes it, without a proxy: nobody else writes. */
const crossfade = async (config: CrossfadeConfig): Promise<Copied> => {
  keepHeapSmall()
  const metrics = makeMetrics()
  const stores = openStores(config, systemClock, metrics.backends)
  const { ledger: section } = config
  const ledgerDatabase = makeDatabase({
    url: section.url,
    password: section.password_file === undefined ? undefined : readSecretFile(section.password_file),
    maxConnections: section.max_connections,
    statementTimeout: section.statement_timeout,
  })
  await migrateLedger(ledgerDatabase)
  const ledger = makePostgresLedger(ledgerDatabase)
  const stages = makeStages(ledgerDatabase, makeReplicas(ledgerDatabase, ledger.integrations), systemClock)
  for (const next of ['enrolling', 'enrolled'] as const) await stages.transition(INTEGRATION, next)
  const deps = makeMigratorDeps({
    database: ledgerDatabase,
    ledger,
    stages,
    pairs: stores.pairs,
    fingerprint: makeDigests(config, stores.pairs).fingerprint,
    coherence: soleReplica(makeMemory()),
    clock: systemClock,
    addressable: () => true,
    settings: config.migrator,
    metrics: metrics.migrator,
  })
  const inventory = await timed(() => takeInventory(deps, INTEGRATION, WATCH))
  const copied = await timed(() => backfill(deps, { integration: INTEGRATION, source: 'legacy' }, WATCH))
  if (copied.answer.kind !== 'done') throw new Error(copied.answer.kind)
  await stores.close()
  await ledgerDatabase.close()
  return {
    secrets: copied.answer.settled.equal,
    seconds: copied.seconds,
    inventory_seconds: inventory.seconds,
    rss_bytes: 0,
  }
}

const config = loadConfig(configFile, process.env)
const ways = { copy, one_by_one: oneByOne, crossfade }
const done = await (ways[way as keyof typeof ways] ?? copy)(config)
console.log(JSON.stringify({ ...done, rss_bytes: process.resourceUsage().maxRSS * 1024 }))
