import type { Address } from '../../backends/secret.ts'
import type { ScanEntry, Store } from '../../backends/store.ts'
import { otherSide, type Side } from '../../core/side.ts'
import { proxyFault } from '../faults.ts'
import type { ListResult } from '../operations.ts'
import { type CoreDeps, isPinned, type View, viewOf } from './context.ts'

/** A name as the ledger knows it. `unsure`: a delete has begun and nobody recorded how it ended; the fresh side tells. */
export interface LedgerName {
  readonly name: string
  readonly listed: 'yes' | 'no' | 'unsure'
  readonly fresh: 'both' | Side
}

/** Names of one customer in the ledger, in byte order, strictly after `after`. */
export interface Names {
  names(
    integration: string,
    customer: string,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly LedgerName[]>
}

interface Page {
  readonly after: string | null
  readonly limit: number
}

/** Names in byte order; the ledger's once inventoried, the store's where there is no ledger, both merged in between. */
export async function list(
  deps: CoreDeps,
  names: Names,
  integration: string,
  customer: string,
  page: Page,
): Promise<ListResult> {
  const view = viewOf(deps, integration, customer)
  const found: string[] = []
  let after = page.after
  let more = true
  // One name more than asked for tells whether there is a next page.
  while (more && found.length <= page.limit) {
    const part = await window(deps, view, names, { integration, customer, page: { after, limit: page.limit + 1 } })
    found.push(...part.listed)
    after = part.last
    more = part.more
  }
  const entries = found.slice(0, page.limit).map((name) => ({ name }))
  const next = found.length > page.limit ? (entries.at(-1)?.name ?? null) : null
  return { entries, next, served: { by: view.plan.read, phase: view.phase, fallback: null, unproven: false } }
}

interface Request {
  readonly integration: string
  readonly customer: string
  readonly page: Page
}

interface Window {
  readonly listed: readonly string[]
  readonly last: string | null
  readonly more: boolean
}

async function window(deps: CoreDeps, view: View, names: Names, request: Request): Promise<Window> {
  const { integration, customer, page } = request
  if (isPinned(view.state)) return fromStore(deps, view.store(view.plan.read), request)
  const known = await names.names(integration, customer, page)
  const listed = await sure(deps, view, request, known)
  if (deps.replica.inventoried(integration)) {
    return { listed, last: known.at(-1)?.name ?? null, more: known.length === page.limit }
  }
  const stored = await fromStore(deps, view.store('legacy'), request)
  return merge(
    known.map((row) => row.name),
    new Set(listed),
    stored,
    page.limit,
  )
}

/** Before the inventory the legacy store knows the rest; a name that the ledger knows is judged by the ledger. */
function merge(known: readonly string[], listed: ReadonlySet<string>, stored: Window, limit: number): Window {
  const complete = known.length < limit ? null : (known.at(-1) ?? null)
  const storedEnd = stored.more ? stored.last : null
  const horizon = [complete, storedEnd].filter((end): end is string => end !== null).sort(byBytes)[0] ?? null
  const judged = new Set(known)
  const all = [...listed, ...stored.listed.filter((name) => !judged.has(name))].sort(byBytes)
  const within = horizon === null ? all : all.filter((name) => byBytes(name, horizon) <= 0)
  return { listed: within, last: horizon ?? within.at(-1) ?? null, more: horizon !== null }
}

async function fromStore(deps: CoreDeps, store: Store, { integration, customer, page }: Request): Promise<Window> {
  const call = { deadline: deps.clock.monotonic() + deps.readDeadline }
  const after = page.after === null ? null : { customer, name: page.after }
  const outcome = await store.scan(integration, { after, customer, limit: page.limit }, call)
  if (outcome.kind === 'error')
    throw proxyFault('store-unavailable', `store ${store.name}: ${outcome.reason}`, { retryAfter: 1 })
  const listed = outcome.entries.map((entry: ScanEntry) => entry.name)
  return { listed, last: outcome.next?.name ?? listed.at(-1) ?? null, more: outcome.next !== null }
}

async function sure(
  deps: CoreDeps,
  view: View,
  request: Request,
  known: readonly LedgerName[],
): Promise<readonly string[]> {
  const judged = await Promise.all(
    known.map(async (row) => {
      if (row.listed !== 'unsure') return row.listed === 'yes'
      const address = { integration: request.integration, customer: request.customer, name: row.name }
      return exists(deps, view, address, row.fresh === 'both' ? view.plan.read : row.fresh)
    }),
  )
  return known.filter((_, i) => judged[i]).map((row) => row.name)
}

async function exists(deps: CoreDeps, view: View, address: Address, side: Side): Promise<boolean> {
  const store = view.store(side)
  const outcome = await store.get(address, { deadline: deps.clock.monotonic() + deps.readDeadline })
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
