import pg from 'pg'
import type { StoreConfig } from '../../backends/config.ts'
import { readSecretFile } from '../../backends/key-file.ts'
import { checkTable } from '../../backends/postgres/check.ts'
import { withPassword } from '../../backends/sql/database.ts'
import type { StoreProblem } from '../../backends/store.ts'
import { systemClock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import type { CheckResult } from './check.ts'
import { tryToMake } from './make-store.ts'
import type { CrossfadeConfig } from './schema.ts'

const PATIENCE_MS = 5000

interface Target {
  readonly url: string
  readonly password_file?: string | undefined
}

/** The ledger and every store answer, and a mapped table is what its mapping says. Nothing is changed anywhere. */
export async function connectionChecks(config: CrossfadeConfig): Promise<readonly CheckResult[]> {
  const stores = Object.entries(config.stores).map(([name, store]) => askAny(`stores.${name}`, name, store))
  const ledger = withPool('ledger', config.ledger, askLedger)
  return (await Promise.all([ledger, ...stores])).flat()
}

type Finding = Omit<CheckResult, 'subject'>

const findingOf = ({ level, message }: StoreProblem): Finding => ({
  level: level === 'error' ? 'problem' : 'warning',
  message,
})

const askAny = async (subject: string, name: string, store: StoreConfig): Promise<readonly CheckResult[]> => {
  if (store.kind === 'memory') return []
  if (store.kind === 'vault-kv') return askItself(subject, name, store)
  const asked = await withPool(subject, store, (pool) => askStore(pool, store))
  const isAsked = store.kind !== 'sealed' || asked.some(({ level }) => level === 'problem')
  // Its keys lie beside the database, or are wrapped by what does.
  return isAsked ? asked : [...asked, ...(await askItself(`${subject}.keyring`, name, store))]
}

/** A store that is no database knows itself what is wrong with it. */
async function askItself(subject: string, name: string, section: StoreConfig): Promise<readonly CheckResult[]> {
  const { store, reason } = tryToMake(name, section)
  if (store === null) return [{ level: 'problem', subject, message: reason }]
  try {
    const problems = await store.check({ deadline: systemClock.monotonic() + PATIENCE_MS })
    if (problems.length === 0) return [{ level: 'ok', subject, message: 'it answers' }]
    return problems.map((problem) => ({ subject, ...findingOf(problem) }))
  } finally {
    await store.close()
  }
}

async function askStore(pool: pg.Pool, store: StoreConfig): Promise<readonly Finding[]> {
  if (store.kind !== 'postgres') return askDatabase(pool)
  const problems = await checkTable(pool, store)
  const findings = problems.map(findingOf)
  return findings.length > 0 ? findings : [{ level: 'ok', message: `table ${store.table} fits its mapping` }]
}

const askLedger = (pool: pg.Pool): Promise<readonly Finding[]> => askDatabase(pool)

/** Stores that make their own tables need the right to make a schema, once. */
async function askDatabase(pool: pg.Pool): Promise<readonly Finding[]> {
  const { rows } = await pool.query<{ may: boolean }>(
    `select has_database_privilege(current_database(), 'create') as may`,
  )
  if (rows[0]?.may) return [{ level: 'ok', message: 'it answers' }]
  return [{ level: 'warning', message: 'it answers, but this user may not create a schema: migrate it as another one' }]
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
      connectionString: withPassword(target.url, password),
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
