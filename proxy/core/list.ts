import type { Address } from '../../backends/secret.ts'
import type { Call, Store } from '../../backends/store.ts'
import { otherSide, type Side } from '../../core/side.ts'
import { proxyFault } from '../faults.ts'
import type { ListResult } from '../operations.ts'
import { type CoreDeps, isPinned, type View, viewOf } from './context.ts'

/** A name that the ledger knows of. `unsure`: a delete has begun and nobody recorded how it ended; the fresh side tells. */
export interface LedgerName {
  readonly name: string
  readonly listed: 'yes' | 'unsure'
  readonly fresh: 'both' | Side
}

/** Names of one customer in the ledger. */
export interface Names {
  /** Those that are there or may be, in byte order, strictly after `after`: what was deleted costs no page. */
  names(
    integration: string,
    customer: string,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly LedgerName[]>
  /** Those of `names` that have a row, whatever it says. */
  known(integration: string, customer: string, names: readonly string[]): Promise<ReadonlySet<string>>
}

interface Page {
  readonly after: string | null
  readonly limit: number
}

/**
 * How often a listing looks for more, at two queries each: names that a store still has and the ledger calls deleted fill
 * no page. What is found by then is a page, shorter than asked for, and the next one begins where the looking ended.
 */
const MOST_WINDOWS = 8
/** Names that a later look takes, where the first found too few. */
const WIDE = 1000

interface Listing {
  readonly deps: CoreDeps
  readonly names: Names
  readonly view: View
  readonly integration: string
  readonly customer: string
  /** One for everything that it asks. */
  readonly call: Call
}

/**
 * Names in byte order; the ledger's once inventoried, the store's where there is no ledger, both merged in between. It takes
 * no longer than one read may, ends when `signal` does, and is complete up to `next`, or an error.
 */
export async function list(
  deps: CoreDeps,
  names: Names,
  { integration, customer }: { readonly integration: string; readonly customer: string },
  page: Page,
  signal?: AbortSignal,
): Promise<ListResult> {
  const view = viewOf(deps, integration, customer)
  const call = { deadline: deps.clock.monotonic() + deps.readDeadline, ...(signal === undefined ? {} : { signal }) }
  const listing: Listing = { deps, names, view, integration, customer, call }
  const found: string[] = []
  let after = page.after
  let more = true
  // One name more than asked for tells whether there is a next page.
  for (let n = 0; more && found.length <= page.limit && n < MOST_WINDOWS; n += 1) {
    assertTime(listing)
    const part = await window(listing, { after, limit: n === 0 ? page.limit + 1 : WIDE })
    found.push(...part.listed)
    after = part.last
    more = part.more
  }
  const entries = found.slice(0, page.limit).map((name) => ({ name }))
  const next = found.length > page.limit ? (entries.at(-1)?.name ?? null) : more ? after : null
  return { entries, next, served: { by: view.plan.read, phase: view.phase, fallback: null, unproven: false } }
}

function assertTime({ deps, call }: Listing): void {
  if (call.signal?.aborted) throw proxyFault('store-unavailable', 'nobody waits for the listing any more')
  if (deps.clock.monotonic() > call.deadline)
    throw proxyFault('store-unavailable', 'the listing took too long: ask for fewer names', { retryAfter: 1 })
}

interface Window {
  readonly listed: readonly string[]
  readonly last: string | null
  readonly more: boolean
}

async function window(listing: Listing, page: Page): Promise<Window> {
  const { deps, view, names, integration, customer } = listing
  if (isPinned(view.state)) return fromStore(listing, view.store(view.plan.read), page)
  const served = await names.names(integration, customer, page)
  const more = served.length === page.limit
  const ledger: Window = { listed: await sure(listing, served), last: served.at(-1)?.name ?? null, more }
  if (deps.replica.inventoried(integration)) return ledger
  const stored = await fromStore(listing, view.store('legacy'), page)
  const known = stored.listed.length === 0 ? new Set<string>() : await names.known(integration, customer, stored.listed)
  return merge(ledger, { ...stored, listed: stored.listed.filter((name) => !known.has(name)) })
}

/** Before the inventory the legacy store knows the rest; a name that the ledger knows is judged by the ledger. */
function merge(ledger: Window, stored: Window): Window {
  const ends = [ledger, stored].flatMap(({ more, last }) => (more && last !== null ? [last] : []))
  const horizon = ends.sort(byBytes)[0] ?? null
  const all = [...ledger.listed, ...stored.listed].sort(byBytes)
  const within = horizon === null ? all : all.filter((name) => byBytes(name, horizon) <= 0)
  return { listed: within, last: horizon ?? within.at(-1) ?? null, more: horizon !== null }
}

async function fromStore({ integration, customer, call }: Listing, store: Store, page: Page): Promise<Window> {
  const after = page.after === null ? null : { customer, name: page.after }
  const outcome = await store.scan(integration, { after, customer, limit: page.limit }, call)
  if (outcome.kind === 'error')
    throw proxyFault('store-unavailable', `store ${store.name}: ${outcome.reason}`, { retryAfter: 1 })
  const listed = outcome.entries.map((entry) => entry.name)
  return { listed, last: outcome.next?.name ?? listed.at(-1) ?? null, more: outcome.next !== null }
}

async function sure(listing: Listing, known: readonly LedgerName[]): Promise<readonly string[]> {
  const { view, integration, customer } = listing
  const judged = await Promise.all(
    known.map(async ({ name, listed, fresh }) =>
      listed === 'yes'
        ? true
        : exists(listing, { integration, customer, name }, fresh === 'both' ? view.plan.read : fresh),
    ),
  )
  return known.filter((_, i) => judged[i]).map((row) => row.name)
}

async function exists({ view, call }: Listing, address: Address, side: Side): Promise<boolean> {
  const store = view.store(side)
  const outcome = await store.get(address, call)
  if (outcome.kind === 'error') {
    throw proxyFault(
      'store-unavailable',
      `store ${store.name} or ${view.store(otherSide(side)).name}: ${outcome.reason}`,
      { retryAfter: 1 },
    )
  }
  return outcome.kind !== 'absent'
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
