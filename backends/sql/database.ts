import pg from 'pg'
import type { Clock } from '../../core/clock.ts'
import type { ConnectionCounts } from '../metrics.ts'
import type { Call } from '../store.ts'
import {
  type Answer,
  type FailedAnswer,
  type Loan,
  NEVER_SENT,
  type Statement,
  send,
  withConnection,
} from './connection.ts'
import { type Password, sessionOf } from './session.ts'
import { type ClockReading, isStale, storeDeadline, tighter } from './store-clock.ts'

/** A row of a bounded statement carries the store's clock, which costs no round trip of its own. */
export interface Timed {
  readonly store_ms: number
}

/**
 * One PostgreSQL as the adapters use it: one statement a call, never a transaction held open over a round trip.
 * Nothing rejects; `Answer` says what is known of what was sent.
 */
export interface Database {
  readonly pool: pg.Pool
  /** Sends one statement. An abort before it is sent is `unavailable`, later `timeout`. */
  ask<Row>(statement: Statement, values: readonly unknown[], call: Call): Promise<Answer<Row>>
  /**
   * Sends one statement whose last parameter is the deadline in ms of the store's clock. Its rows carry `store_ms`
   * (`STORE_MS`), which keeps the estimate of that clock fresh.
   */
  askBounded<Row extends Timed>(statement: Statement, values: readonly unknown[], call: Call): Promise<Answer<Row>>
  connections(): ConnectionCounts
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly url: string
  readonly password: Password
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly maxConnections: number
  /** Longest that a statement or a wait for a lock may take at the server, in ms. */
  readonly statementTimeout: number
  readonly clock: Clock
  /** Told of each statement of a call, when it was answered or given up. */
  readonly onQuery?: (outcome: 'ok' | 'failed') => void
}

/** The store's clock in ms, evaluated where it stands. */
export const STORE_MS = '(extract(epoch from clock_timestamp()) * 1000)::float8'

const READ_CLOCK: Statement = { name: 'crossfade_clock', text: `SELECT ${STORE_MS} AS store_ms` }

/** The statements judge their conditions again after a lock wait, as READ COMMITTED does; stricter levels refuse. */
const SETTINGS = '-c default_transaction_isolation=read\\ committed'

export function makeDatabase(options: DatabaseOptions): Database {
  const pool = makePool(options)
  const { clock } = options
  const readings = new WeakMap<pg.PoolClient, ClockReading>()

  const sendTimed = async (loan: Loan, statement: Statement, values: readonly unknown[], call: Call) => {
    const answer = await send<Timed>(loan, statement, values, call.signal)
    const last = answer.kind === 'rows' ? answer.rows.at(-1) : undefined
    const reading = last && { store: last.store_ms, received: clock.monotonic() }
    if (reading) readings.set(loan.client, tighter(readings.get(loan.client), reading))
    return answer
  }

  const deadlineFor = async (loan: Loan, call: Call): Promise<number | FailedAnswer> => {
    const known = readings.get(loan.client)
    if (known && !isStale(known, clock.monotonic())) return storeDeadline(known, call.deadline)
    const answer = await sendTimed(loan, READ_CLOCK, [], call)
    const fresh = readings.get(loan.client)
    // The write itself was never sent, so whatever happened is certain.
    return answer.kind === 'rows' && fresh ? storeDeadline(fresh, call.deadline) : NEVER_SENT
  }

  const told = async <Row>(asked: Promise<Answer<Row>>): Promise<Answer<Row>> => {
    const answer = await asked
    options.onQuery?.(answer.kind === 'rows' ? 'ok' : 'failed')
    return answer
  }

  return {
    pool,
    ask: <Row>(statement: Statement, values: readonly unknown[], call: Call) =>
      told(withConnection<Row>(pool, clock, call, (loan) => send(loan, statement, values, call.signal))),
    askBounded: <Row extends Timed>(statement: Statement, values: readonly unknown[], call: Call) =>
      told(
        withConnection<Row>(pool, clock, call, async (loan) => {
          const deadline = await deadlineFor(loan, call)
          if (typeof deadline !== 'number') return deadline
          if (call.signal?.aborted) return NEVER_SENT
          return (await sendTimed(loan, statement, [...values, deadline], call)) as Answer<Row>
        }),
      ),
    connections: () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  }
}

function makePool(options: DatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    ...sessionOf({ url: options.url, password: options.password, settings: SETTINGS }),
    application_name: options.applicationName,
    max: options.maxConnections,
    keepAlive: true,
    idleTimeoutMillis: 60_000,
    connectionTimeoutMillis: 5_000,
    statement_timeout: Math.ceil(options.statementTimeout),
    lock_timeout: Math.ceil(options.statementTimeout),
  })
  return outliving(pool)
}

/** A connection that breaks while idle, or between two statements of whoever has it, ends no process: its next user learns of it. */
export function outliving(pool: pg.Pool, onError: (error: Error) => void = () => undefined): pg.Pool {
  pool.on('error', onError)
  return pool.on('connect', (client) => client.on('error', () => undefined))
}
