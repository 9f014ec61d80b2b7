import type pg from 'pg'
import type { Clock } from '../../core/clock.ts'
import { unlessAborted } from '../abort.ts'
import type { Failure } from '../failure.ts'
import type { Call } from '../store.ts'
import { connectFailure, failureOf, spoilsConnection } from './sqlstate.ts'

/** A prepared statement: parsed and planned once per connection, under this name. */
export interface Statement {
  readonly name: string
  readonly text: string
}

export type Answer<Row> = { readonly kind: 'rows'; readonly rows: readonly Row[] } | FailedAnswer
export interface FailedAnswer {
  readonly kind: 'failed'
  readonly failure: Failure
}

export const NEVER_SENT: FailedAnswer = {
  kind: 'failed',
  failure: { certain: true, reason: 'unavailable', passing: true },
}
const ABANDONED: FailedAnswer = { kind: 'failed', failure: { certain: false, reason: 'timeout', passing: true } }

/** A connection in use; `pending` is a statement that its caller no longer waits for. */
export interface Loan {
  readonly client: pg.PoolClient
  pending: Promise<unknown> | null
  spoiled: boolean
}

/** After an abort, how long a connection may still finish what it was sent before it is cut. */
const GRACE_MS = 1_000

/** Borrows a connection for `use`; it goes back when what was sent has ended, or is cut after a grace. */
export async function withConnection<Row>(
  pool: pg.Pool,
  clock: Clock,
  call: Call,
  use: (loan: Loan) => Promise<Answer<Row>>,
): Promise<Answer<Row>> {
  if (call.signal?.aborted) return NEVER_SENT
  try {
    const client = await unlessAborted(pool.connect(), call.signal, null, (late) => late.release())
    if (!client) return NEVER_SENT
    const loan: Loan = { client, pending: null, spoiled: false }
    try {
      return await use(loan)
    } finally {
      giveBack(loan, clock)
    }
  } catch (error) {
    return { kind: 'failed', failure: connectFailure(error) }
  }
}

/** Sends one statement; never rejects. From the moment it is sent, only the server's word makes a failure certain. */
export function send<Row>(
  loan: Loan,
  statement: Statement,
  values: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<Answer<Row>> {
  const answer = loan.client.query({ name: statement.name, text: statement.text, values: [...values] }).then(
    (result): Answer<Row> => {
      loan.pending = null
      return { kind: 'rows', rows: result.rows as Row[] }
    },
    (error: unknown): Answer<Row> => {
      loan.pending = null
      loan.spoiled ||= spoilsConnection(error)
      return { kind: 'failed', failure: failureOf(error) }
    },
  )
  loan.pending = answer
  return unlessAborted(answer, signal, ABANDONED)
}

function giveBack(loan: Loan, clock: Clock): void {
  if (!loan.pending) {
    loan.client.release(loan.spoiled)
    return
  }
  const ended = new AbortController()
  let held = true
  const release = (spoiled: boolean): void => {
    if (held) loan.client.release(spoiled)
    held = false
    ended.abort()
  }
  void loan.pending.then(() => release(loan.spoiled))
  clock.sleep(GRACE_MS, ended.signal).then(
    () => release(true),
    () => {},
  )
}
