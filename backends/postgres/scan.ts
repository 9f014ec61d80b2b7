import { failedAs } from '../failure.ts'
import { byteOrder } from '../secret-text.ts'
import type { Statement } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Call, ScanOutcome, ScanPage, Store } from '../store.ts'
import type { Prepare, Ready } from './ready.ts'

type ScanRow = Readonly<Record<string, string | null>>

const NOTHING: ScanOutcome = { kind: 'page', entries: [], next: null }
/** A place that no page of this table gave. */
const ELSEWHERE: ScanOutcome = { kind: 'error', reason: 'unrepresentable' }

export function makeScan(database: Database, prepare: Prepare): Store['scan'] {
  return async (integration, page, call) => {
    const ready = await prepare(call)
    if (ready.kind === 'failed') return failedAs(ready.failure)
    const asked =
      page.customer === undefined
        ? whole(ready, integration, page)
        : ofCustomer(ready, integration, page, page.customer)
    return 'kind' in asked ? asked : onePage(database, ready, asked, page.limit, call)
  }
}

interface Asked {
  readonly statement: Statement
  readonly values: readonly unknown[]
}

/** The integration's own value, where the table has a column for it; null: the table does not hold that integration. */
function leadOf({ mapping }: Ready, integration: string): readonly string[] | null {
  if (mapping.key.columns.some(({ part }) => part === 'integration')) return [integration]
  const { integration: held } = mapping.config.columns
  return typeof held !== 'string' && held.constant === integration ? [] : null
}

function whole(ready: Ready, integration: string, { after }: ScanPage): Asked | ScanOutcome {
  const { scans, mapping } = ready
  const lead = leadOf(ready, integration)
  if (lead === null) return NOTHING
  if (after === null) return { statement: scans.first, values: lead }
  const place = mapping.key.valuesOf({ integration, ...after })
  return place === null ? ELSEWHERE : { statement: scans.next, values: place }
}

/** Within one customer the name alone is the place to go on from. */
function ofCustomer(ready: Ready, integration: string, { after }: ScanPage, customer: string): Asked | ScanOutcome {
  const { scans, mapping } = ready
  const lead = leadOf(ready, integration)
  // Only the customer is asked: whether its type prints it so.
  const isHeld = mapping.key.holdsCustomer(customer)
  if (lead === null || !isHeld || (after !== null && byteOrder(customer, after.customer) < 0)) return NOTHING
  return after?.customer === customer
    ? { statement: scans.customerNext, values: [...lead, customer, after.name] }
    : { statement: scans.customerFirst, values: [...lead, customer] }
}

/** One row more than asked tells of a next page. */
async function onePage(
  database: Database,
  { mapping }: Ready,
  asked: Asked,
  limit: number,
  call: Call,
): Promise<ScanOutcome> {
  const answer = await database.ask<ScanRow>(asked.statement, [...asked.values, limit + 1], call)
  if (answer.kind === 'failed') return failedAs(answer.failure)
  const { key } = mapping
  const sorted = key.columns.filter(({ part }) => part !== 'integration')
  const entries = answer.rows.slice(0, limit).map((row) => ({
    ...key.placeOf(sorted.map(({ alias }) => row[alias] ?? '')),
    version: row['version'] ?? null,
  }))
  const last = entries.at(-1)
  const more = answer.rows.length > limit && last
  return { kind: 'page', entries, next: more ? { customer: last.customer, name: last.name } : null }
}
