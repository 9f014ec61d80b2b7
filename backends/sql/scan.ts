import { failedAs } from '../failure.ts'
import { byteOrder } from '../secret-text.ts'
import type { Call, ScanEntry, ScanOutcome, ScanPage } from '../store.ts'
import type { Statement } from './connection.ts'
import type { Database } from './database.ts'

/** Both take the integration, a customer, a name to go on after, and a limit. */
export interface ScanStatements {
  /** After the place (customer, name). */
  readonly scan: Statement
  /** Of one customer, after the name. */
  readonly scanCustomer: Statement
}

/** A page by keyset: no offset, no cursor, nothing held between two pages. One row more than asked tells of a next page. */
export async function scanPage(
  database: Database,
  statements: ScanStatements,
  integration: string,
  page: ScanPage,
  call: Call,
): Promise<ScanOutcome> {
  const from = placeOf(page)
  if (!from) return { kind: 'page', entries: [], next: null }
  const statement = page.customer === undefined ? statements.scan : statements.scanCustomer
  const answer = await database.ask<ScanEntry>(statement, [integration, ...from, page.limit + 1], call)
  if (answer.kind === 'failed') return failedAs(answer.failure)
  const entries = answer.rows.slice(0, page.limit)
  const last = entries.at(-1)
  const more = answer.rows.length > page.limit
  return { kind: 'page', entries, next: more && last ? { customer: last.customer, name: last.name } : null }
}

/** Within one customer the name alone is the place to go on from; null if that customer lies behind the place. */
function placeOf({ after, customer }: ScanPage): readonly [string, string] | null {
  const place = after ?? { customer: '', name: '' }
  if (customer === undefined) return [place.customer, place.name]
  if (byteOrder(customer, place.customer) < 0) return null
  return [customer, customer === place.customer ? place.name : '']
}
