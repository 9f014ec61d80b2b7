import { failedAs } from '../failure.ts'
import { byteOrder } from '../secret-text.ts'
import type { Statement } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Call, ScanOutcome, ScanPage, Store } from '../store.ts'
import { bytesOfText, textOfBytes } from './raw-names.ts'
import type { Preparing, Ready } from './ready.ts'
import { hasRawNames } from './scan-statements.ts'

type ScanRow = Readonly<Record<string, Buffer | string | null>>

const NOTHING: ScanOutcome = { kind: 'page', entries: [], next: null }
/** A place that no page of this table gave. */
const ELSEWHERE: ScanOutcome = { kind: 'error', reason: 'unrepresentable' }
const FOREIGN: ScanOutcome = { kind: 'error', reason: 'protocol' }

export function makeScan(database: Database, { prepare, anew, heard }: Preparing): Store['scan'] {
  const place = (ready: Ready, integration: string, page: ScanPage): Asked | ScanOutcome =>
    page.customer === undefined ? whole(ready, integration, page) : ofCustomer(ready, integration, page, page.customer)
  return async (integration, page, call) => {
    const ready = await prepare(call)
    if (ready.kind === 'failed') return failedAs(ready.failure)
    const asked = place(ready, integration, page)
    if (!('kind' in asked)) return onePage(database, ready, asked, page.limit, heard, call)
    // A type may have been widened since the table was looked up.
    const fresh = await anew(call)
    if (fresh.kind === 'failed') return failedAs(fresh.failure)
    const again = place(fresh, integration, page)
    return 'kind' in again ? again : onePage(database, fresh, again, page.limit, heard, call)
  }
}

interface Asked {
  readonly statement: Statement
  readonly values: readonly string[]
  /** What each row must begin with. */
  readonly own: readonly string[]
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
  if (after === null) return { statement: scans.first, values: lead, own: lead }
  const place = mapping.key.valuesOf({ integration, ...after })
  return place === null ? ELSEWHERE : { statement: scans.next, values: place, own: lead }
}

/** Within one customer the name alone is the place to go on from. */
function ofCustomer(ready: Ready, integration: string, { after }: ScanPage, customer: string): Asked | ScanOutcome {
  const { scans, mapping } = ready
  const lead = leadOf(ready, integration)
  // Only the customer is asked: whether its type prints it so.
  const isHeld = mapping.key.holdsCustomer(customer)
  if (lead === null || !isHeld || (after !== null && byteOrder(customer, after.customer) < 0)) return NOTHING
  const own = [...lead, customer]
  return after?.customer === customer
    ? { statement: scans.customerNext, values: [...own, after.name], own }
    : { statement: scans.customerFirst, values: own, own }
}

/** One row more than asked tells of a next page. */
async function onePage(
  database: Database,
  ready: Ready,
  asked: Asked,
  limit: number,
  heard: Preparing['heard'],
  call: Call,
): Promise<ScanOutcome> {
  const { mapping } = ready
  const isRaw = hasRawNames(mapping)
  const values = isRaw ? asked.values.map(bytesOfText) : asked.values
  const answer = await database.ask<ScanRow>(asked.statement, [...values, limit + 1], call)
  if (answer.kind === 'failed') {
    heard(answer.failure)
    return failedAs(answer.failure)
  }
  const textOf = (value: Buffer | string | null | undefined): string =>
    typeof value === 'string' ? value : value ? textOfBytes(value) : ''
  const { key } = mapping
  const rows = answer.rows.map((row) => key.columns.map(({ alias }) => textOf(row[alias])))
  // A row of somebody else's is the sign of an answer that is not ours: none of it is believed.
  if (!rows.every((row) => asked.own.every((text, at) => row[at] === text))) return FOREIGN
  const lead = key.columns.filter(({ part }) => part === 'integration').length
  const entries = rows.slice(0, limit).map((row, at) => {
    const version = answer.rows[at]?.['version']
    return {
      ...key.placeOf(row.slice(lead)),
      version: version === null || version === undefined ? null : textOf(version),
    }
  })
  const last = entries.at(-1)
  const more = rows.length > limit && last
  return { kind: 'page', entries, next: more ? { customer: last.customer, name: last.name } : null }
}
