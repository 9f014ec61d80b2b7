/**
 * Who has a key, and whether it may be used: one row a customer, in the store's own database whatever the keyring is.
 *
 *   (no row) -> making -> active <-> revoked
 *                            \          \
 *                             +----------+--> destroyed
 *
 * Every read and write of the store looks at it in the statement that it sends anyway, so a revocation counts at once,
 * in every replica, whatever keys are in their memory. A row that is there and not `making` is why a key that has gone
 * is never made again by a write.
 */
import type { FailedAnswer, Statement } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Call } from '../store.ts'

export type CustomerState = 'making' | 'active' | 'revoked' | 'destroyed'

/** What an administrator's change may start from. */
const FROM = {
  revoked: ['active', 'revoked'],
  active: ['active', 'revoked'],
  destroyed: ['active', 'revoked', 'destroyed'],
} as const satisfies Record<string, readonly CustomerState[]>

export interface Customers {
  /** For a keyring whose keys lie elsewhere: of these customers, those for whom a first key may be made. */
  claim(
    customers: readonly string[],
    call: Call,
  ): Promise<{ readonly kind: 'may'; readonly make: ReadonlySet<string> } | FailedAnswer>
  /** Their keys are there: from now on no write makes one. */
  made(customers: readonly string[], call: Call): Promise<FailedAnswer | null>
  /** Null: no key was ever made. */
  state(
    customer: string,
    call: Call,
  ): Promise<{ readonly kind: 'state'; readonly state: CustomerState | null } | FailedAnswer>
  /** The state afterwards: `to`, or what did not allow it. */
  move(
    customer: string,
    to: keyof typeof FROM,
    call: Call,
  ): Promise<{ readonly kind: 'state'; readonly state: CustomerState | null } | FailedAnswer>
}

export function makeCustomers(database: Database, schema: string): Customers {
  const sql = statements(schema)
  const state: Customers['state'] = async (customer, call) => {
    const answer = await database.ask<{ state: CustomerState }>(sql.state, [customer], call)
    return answer.kind === 'failed' ? answer : { kind: 'state', state: answer.rows[0]?.state ?? null }
  }
  return {
    claim: async (customers, call) => {
      const sorted = [...new Set(customers)].sort()
      const entered = await database.ask(sql.enter, [sorted], call)
      if (entered.kind === 'failed') return entered
      const answer = await database.ask<{ customer: string }>(sql.making, [sorted], call)
      return answer.kind === 'failed' ? answer : { kind: 'may', make: new Set(answer.rows.map((row) => row.customer)) }
    },
    made: async (customers, call) => {
      const answer = await database.ask(sql.made, [[...new Set(customers)].sort()], call)
      return answer.kind === 'failed' ? answer : null
    },
    state,
    move: async (customer, to, call) => {
      const answer = await database.ask<{ state: CustomerState }>(sql.move, [customer, to, FROM[to]], call)
      if (answer.kind === 'failed') return answer
      return answer.rows.length > 0 ? { kind: 'state', state: to } : state(customer, call)
    },
  }
}

/** The rule in SQL: whether the customer named by `customer` (an expression) may not be served. */
export const isRevoked = (schema: string, customer: string): string =>
  `EXISTS (SELECT FROM ${schema}.customer rc WHERE rc.customer = ${customer} AND rc.state IN ('revoked', 'destroyed'))`

const statements = (schema: string) =>
  ({
    enter: {
      name: 'crossfade_customer_enter',
      text: `INSERT INTO ${schema}.customer (customer, state) SELECT c, 'making' FROM unnest($1::text[]) AS u(c) ON CONFLICT DO NOTHING`,
    },
    making: {
      name: 'crossfade_customer_making',
      text: `SELECT customer FROM ${schema}.customer WHERE customer = ANY ($1::text[]) AND state = 'making'`,
    },
    made: {
      name: 'crossfade_customer_made',
      text:
        `UPDATE ${schema}.customer SET state = 'active', changed_at = clock_timestamp() ` +
        `WHERE customer = ANY ($1::text[]) AND state = 'making'`,
    },
    state: {
      name: 'crossfade_customer_state',
      text: `SELECT state FROM ${schema}.customer WHERE customer = $1::text`,
    },
    move: {
      name: 'crossfade_customer_move',
      text:
        `UPDATE ${schema}.customer SET state = $2::text, ` +
        `changed_at = CASE state WHEN $2::text THEN changed_at ELSE clock_timestamp() END ` +
        `WHERE customer = $1::text AND state = ANY ($3::text[]) RETURNING state`,
    },
  }) satisfies Record<string, Statement>
