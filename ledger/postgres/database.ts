import pg from 'pg'
import { outliving } from '../../backends/sql/database.ts'
import { type Password, sessionOf } from '../../backends/sql/session.ts'
import { spoilsConnection } from '../../backends/sql/sqlstate.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import { ledgerFault } from '../faults.ts'

/** What the ledger's files ask of a connection pool: one statement, its rows, or a `ledger-unavailable` fault. */
export interface Database {
  query<R>(name: string | null, text: string, values: readonly unknown[]): Promise<readonly R[]>
  /**
   * One statement that looks at every row of an integration, which takes seconds at a million of them, and for which no client
   * waits: it may take thirty, whatever `statementTimeout` says. Never prepared, so that it is planned for the rows there are.
   */
  patiently<R>(text: string, values: readonly unknown[]): Promise<readonly R[]>
  /** Several statements on one connection between `begin` and `commit`; each may take so many ms, if that is said. */
  transaction<T>(work: (query: Database['query']) => Promise<T>, patience?: number): Promise<T>
  connections(): { readonly open: number; readonly idle: number; readonly waiting: number }
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly url: string
  readonly password?: Password
  readonly maxConnections: number
  /** ms; the server ends a statement then, and the client gives up a little later. */
  readonly statementTimeout: number
  /** Told of errors of idle connections, which pg would otherwise throw. */
  readonly onError?: (code: string) => void
  /** Told of each statement: how it ended, and its time with the wait for a connection. */
  readonly onQuery?: (outcome: 'ok' | 'failed', seconds: number) => void
  /** Of the time above. */
  readonly clock?: Pick<Clock, 'monotonic'>
}

/** Codes after which the same statement may simply be sent again: it was rolled back whole. */
const RETRYABLE: ReadonlySet<string> = new Set(['40001', '40P01'])
const RETRIES = 3
const PATIENCE_MS = 30_000

/**
 * A lost commit would be a lost write, and the functions look again after each lock: never inherit other settings of the role,
 * the database or the URL.
 */
const SETTINGS = '-c synchronous_commit=on -c default_transaction_isolation=read\\ committed'

/** Connections to the ledger with its settings, also for the queue of jobs, which brings its own statements. */
export function makePool(options: DatabaseOptions, applicationName = 'crossfade-ledger'): pg.Pool {
  const pool = new pg.Pool({
    max: options.maxConnections,
    connectionTimeoutMillis: options.statementTimeout,
    query_timeout: options.statementTimeout + 500,
    statement_timeout: options.statementTimeout,
    application_name: applicationName,
    keepAlive: true,
    ...sessionOf({ url: options.url, password: options.password, settings: SETTINGS }),
  })
  return outliving(pool, (error) => options.onError?.(codeOf(error)))
}

export function makeDatabase(options: DatabaseOptions): Database {
  const { clock = systemClock } = options
  const pool = makePool(options)

  const run = async <R>(
    client: pg.Pool | pg.PoolClient,
    name: string | null,
    text: string,
    values: readonly unknown[],
    limit: { readonly query_timeout?: number } = {},
  ) => {
    const start = clock.monotonic()
    const tell = (outcome: 'ok' | 'failed'): void => options.onQuery?.(outcome, (clock.monotonic() - start) / 1000)
    try {
      const result = await client.query({ ...(name === null ? {} : { name }), text, values: [...values], ...limit })
      tell('ok')
      return result.rows as R[]
    } catch (error) {
      tell('failed')
      throw error
    }
  }

  const query = async <R>(name: string | null, text: string, values: readonly unknown[]): Promise<readonly R[]> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run<R>(pool, name, text, values)
      } catch (error) {
        if (attempt < RETRIES && RETRYABLE.has(codeOf(error))) continue
        throw unavailable(error)
      }
    }
  }

  const withClient = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect().catch((error: unknown) => {
      throw unavailable(error)
    })
    let broken: Error | undefined
    try {
      await client.query('begin')
      const value = await work(client)
      await client.query('commit')
      return value
    } catch (error) {
      if (!isFault(error) && spoilsConnection(error)) broken = error instanceof Error ? error : new Error('spoiled')
      await client.query('rollback').catch((failure: Error) => {
        broken = failure
      })
      throw isFault(error) ? error : unavailable(error)
    } finally {
      client.release(broken)
    }
  }

  const transaction = <T>(work: (query: Database['query']) => Promise<T>, patience?: number): Promise<T> =>
    withClient(async (client) => {
      if (patience !== undefined) await client.query(`set local statement_timeout = ${patience}`)
      const limit = patience === undefined ? {} : { query_timeout: patience + 500 }
      return work((name, text, values) => run(client, name, text, values, limit))
    })

  const patiently = <R>(text: string, values: readonly unknown[]): Promise<readonly R[]> =>
    transaction((patient) => patient<R>(null, text, values), PATIENCE_MS)

  const connections = () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount })
  return { query, patiently, transaction, connections, close: () => pool.end() }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown'

/** Only the code goes on: a driver's message may quote what was sent. */
const unavailable = (error: unknown) =>
  isFault(error)
    ? error
    : ledgerFault('ledger-unavailable', `the ledger database answered ${codeOf(error)}`, { retryAfter: 1 })

/** Waits until the ledger answers; for a cold start. */
export async function untilReachable(
  database: Database,
  onRetry: (detail: string) => void,
  signal: AbortSignal,
  clock = systemClock,
): Promise<void> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 5000)) {
    try {
      await database.query(null, 'select 1', [])
      return
    } catch (error) {
      onRetry(isFault(error) ? error.detail : 'unknown')
      await clock.sleep(wait, signal)
    }
  }
}
