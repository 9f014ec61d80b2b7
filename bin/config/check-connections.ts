import pg from 'pg'
import type { StoreConfig } from '../../backends/config.ts'
import { readSecretFile } from '../../backends/key-file.ts'
import { sessionOf } from '../../backends/sql/session.ts'
import type { StoreProblem } from '../../backends/store.ts'
import { systemClock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import type { CheckResult } from './check.ts'
import { schemaProblem } from './check-schemas.ts'
import { integrationsOf } from './integrations-of.ts'
import { tryToMake } from './make-store.ts'
import type { CrossfadeConfig } from './schema.ts'

const PATIENCE_MS = 5000

interface Target {
  readonly url: string
  readonly password_file?: string | undefined
}

/** The ledger and every store answer, and a mapped table is what its mapping says. Nothing is changed anywhere. */
export async function connectionChecks(config: CrossfadeConfig): Promise<readonly CheckResult[]> {
  const stores = Object.entries(config.stores).map(([name, store]) =>
    askAny(`stores.${name}`, name, store, integrationsOf(config, name)),
  )
  const ledger = withPool('ledger', config.ledger, (pool) => askLedger(pool, config.migrator.jobs_schema))
  return (await Promise.all([ledger, ...stores])).flat()
}

type Finding = Omit<CheckResult, 'subject'>

const findingOf = ({ level, message }: StoreProblem): Finding => ({
  level: level === 'error' ? 'problem' : 'warning',
  message,
})

/** The store that `serve` would open, with its role, options and files, so that this is its rehearsal. */
async function askAny(
  subject: string,
  name: string,
  store: StoreConfig,
  integrations: readonly string[],
): Promise<readonly CheckResult[]> {
  if (store.kind === 'memory') return []
  if (store.kind === 'vault-kv') return askItself(subject, name, store, integrations)
  const asked = await withPool(subject, store, (pool) =>
    store.kind === 'sealed' ? askSchemas(pool, [store.schema]) : answers(pool),
  )
  if (asked.length > 0) return asked
  // Its keys lie beside the database, or are wrapped by what does.
  return store.kind === 'sealed'
    ? [
        { level: 'ok', subject, message: 'it answers' },
        ...(await askItself(`${subject}.keyring`, name, store, integrations)),
      ]
    : askItself(subject, name, store, integrations)
}

async function askItself(
  subject: string,
  name: string,
  section: StoreConfig,
  integrations: readonly string[],
): Promise<readonly CheckResult[]> {
  const { store, reason } = tryToMake(name, section, integrations)
  if (store === null) return [{ level: 'problem', subject, message: reason }]
  try {
    const call = { deadline: systemClock.monotonic() + PATIENCE_MS, signal: AbortSignal.timeout(PATIENCE_MS) }
    const problems = await store.check(call, 'rows')
    const fits = section.kind === 'postgres' ? `table ${section.table} fits its mapping` : 'it answers'
    if (!problems.some(({ level }) => level === 'error'))
      return [
        { level: 'ok', subject, message: fits },
        ...problems.map((problem) => ({ subject, ...findingOf(problem) })),
      ]
    return problems.map((problem) => ({ subject, ...findingOf(problem) }))
  } finally {
    await store.close()
  }
}

async function answers(pool: pg.Pool): Promise<readonly Finding[]> {
  await pool.query('select 1')
  return []
}

const problem = (message: string): Finding => ({ level: 'problem', message })

/** What makes its own tables has a schema, or may make one. */
async function askSchemas(pool: pg.Pool, schemas: readonly string[]): Promise<readonly Finding[]> {
  const problems: string[] = []
  for (const schema of schemas) {
    const found = await schemaProblem(pool, schema)
    if (found !== null) problems.push(found)
  }
  return problems.map(problem)
}

/** Its tables, and the queue of its jobs beside them. */
async function askLedger(pool: pg.Pool, jobs: string): Promise<readonly Finding[]> {
  const { rows } = await pool.query<{ read_only: boolean; fsync: string }>(
    `select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only,
      current_setting('fsync') as fsync`,
  )
  const found = [
    ...(await askSchemas(pool, ['crossfade', jobs])),
    ...(rows[0]?.read_only
      ? [problem('the server takes no writes now: it is in recovery, or transactions are read only')]
      : []),
    ...(rows[0]?.fsync === 'off' ? [problem('fsync is off: an acknowledged write would not survive a crash')] : []),
  ]
  return found.length > 0 ? found : [{ level: 'ok', message: 'it answers' }]
}

async function withPool(
  subject: string,
  target: Target,
  ask: (pool: pg.Pool) => Promise<readonly Finding[]>,
): Promise<readonly CheckResult[]> {
  let pool: pg.Pool | undefined
  try {
    const password = target.password_file === undefined ? null : readSecretFile(target.password_file)
    pool = new pg.Pool({
      ...sessionOf({ url: target.url, password, settings: '' }),
      max: 1,
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
    })
    pool.on('error', () => {})
    return (await ask(pool)).map((finding) => ({ subject, ...finding }))
  } catch (error) {
    return [{ level: 'problem', subject, message: `${placeOf(target.url)}: ${explain(error)}` }]
  } finally {
    await pool?.end()
  }
}

const placeOf = (url: string): string => {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}

const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  ETIMEDOUT: 'no answer',
  '28P01': 'user or password refused: check password_file',
  '28000': 'this user may not connect: check pg_hba.conf',
  '3D000': 'no such database',
  '42501': 'this user lacks a privilege',
}

/** A driver's message could quote what it was given: only its code is shown, in words. */
function explain(error: unknown): string {
  if (isFault(error)) return error.detail
  const { code } = error as { code?: string }
  if (code !== undefined) return MEANINGS[code] ?? `refused with ${code}`
  return /timeout/i.test((error as Error).message) ? 'no answer' : 'it cannot be asked'
}
