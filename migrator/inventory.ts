import { createHash } from 'node:crypto'
import type { Address } from '../backends/secret.ts'
import type { ScanEntry, ScanOutcome, ScanPage, Store } from '../backends/store.ts'
import type { Clock } from '../core/clock.ts'
import { SIDES, type Side } from '../core/side.ts'
import type { IntegrationRow } from '../ledger/ledger.ts'
import type { FoundName, Inventory } from '../ledger/postgres/inventory.ts'
import { fewer, isTooMuch, more } from './batch-size.ts'
import { type PacedDeps, paced } from './pace/paced.ts'
import { makePatience, type Patience, persist, waitInSlice } from './patience.ts'
import type { More, Watch } from './stages.ts'

/*
 * Names of legacy, then of new, page by page into rows. The checkpoint is in the transaction of the rows that it speaks
 * of (I8), so a page that was not recorded is read again. Rows are only ever added: a listing that fails or shrinks
 * takes nothing away. After both sides the mark says that every name has a row.
 */
export interface InventoryDeps extends PacedDeps {
  readonly inventory: Inventory
  readonly integrations: () => Promise<readonly IntegrationRow[]>
  readonly stores: (integration: string) => Readonly<Record<Side, Store>>
  /** Whether the edge could ask for it; names that it could not are recorded and quarantined `not-addressable`. */
  readonly addressable: (address: Address) => boolean
  readonly clock: Clock
  readonly page: number
  /** ms for one listing. */
  readonly deadline: number
  readonly patience: number
  readonly onNames?: (integration: string, side: Side, names: number) => void
}

export type InventoryResult =
  | { readonly kind: 'done'; readonly names: number; readonly made: number }
  /** A store did not list; repeating goes on from the checkpoint. */
  | { readonly kind: 'partial'; readonly side: Side; readonly reason: string }
  | More

interface Tally {
  names: number
  made: number
}

/** For the figures only: the ledger's checkpoint says where to go on. */
interface From extends Readonly<Tally> {
  readonly idle: number
}

/** Throws `stage-refused` when the integration is not enrolled; rejects when aborted. */
export async function takeInventory(deps: InventoryDeps, integration: string, watch: Watch): Promise<InventoryResult> {
  const { names, made, idle } = (watch.from ?? { names: 0, made: 0, idle: 0 }) as From
  const patience = makePatience({ clock: deps.clock, limit: deps.patience, idle })
  const row = (await persist(deps, watch.signal, deps.integrations)).find((r) => r.integration === integration)
  const tally: Tally = { names, made }
  if (row?.inventoried) return { kind: 'done', ...tally }
  for (const side of SIDES) {
    const reason = await scanSide(deps, { integration, side }, tally, patience, watch)
    if (reason === 'over') return { kind: 'more', at: { ...tally, idle: patience.idle() } satisfies From }
    if (reason !== null) return { kind: 'partial', side, reason }
  }
  await persist(deps, watch.signal, () => deps.inventory.mark(integration))
  return { kind: 'done', ...tally }
}

interface Scanned {
  readonly integration: string
  readonly side: Side
}

/** Null when the side is done, `over` when the slice is, else why it is not. */
async function scanSide(
  deps: InventoryDeps,
  { integration, side }: Scanned,
  tally: Tally,
  patience: Patience,
  watch: Watch,
): Promise<string | null> {
  const ledger = <T>(step: () => Promise<T>): Promise<T> => persist(deps, watch.signal, step)
  let { after, done } = await ledger(() => deps.inventory.position(integration, side))
  const list = makeLister({ ...deps, store: deps.stores(integration)[side], integration, patience })
  while (!done) {
    const page = await list(after, watch)
    if (page === 'over') return page
    if (page.kind === 'error') return page.reason
    const names = page.entries.map((entry) => found(deps, integration, entry))
    done = page.next === null
    const next = { after: page.next ?? after, done }
    tally.made += await ledger(() => deps.inventory.record(integration, side, names, next))
    tally.names += names.length
    deps.onNames?.(integration, side, names.length)
    watch.progress(tally.names, null)
    after = next.after
  }
  return null
}

export interface Listing extends PacedDeps {
  readonly store: Store
  readonly integration: string
  readonly clock: Clock
  /** Most names of a page. */
  readonly page: number
  readonly deadline: number
  readonly patience: Patience
}

/**
 * One page a call, asked for again while the store does not answer: a smaller one if it took too long, since a store that
 * looks at every name (KV 2) may never list so many within the deadline. A page that does not lead on is an error, not a loop.
 */
export function makeLister(list: Listing): (after: ScanPage['after'], watch: Watch) => Promise<ScanOutcome | 'over'> {
  let limit = list.page
  return async (after, watch) => {
    // What was found out about a slow store would be forgotten with the slice: it ends when a page has come.
    let slow = false
    for (;;) {
      watch.signal.throwIfAborted()
      if (watch.over.aborted && !slow) return 'over'
      const outcome = await scanPaced(list, { after, limit }, slow ? unending(watch) : watch)
      if (outcome === 'over') return outcome
      if (outcome.kind === 'page') {
        watch.waiting([])
        list.patience.well()
        limit = more(limit, list.page)
        return leadsOn(after, outcome.next) ? outcome : { kind: 'error', reason: 'protocol' }
      }
      watch.signal.throwIfAborted()
      watch.waiting([`store ${list.store.name}: ${outcome.reason}`])
      slow = isTooMuch(outcome.reason)
      if (slow) limit = fewer(limit)
      if (!(await waitInSlice(list.patience, watch))) return outcome
    }
  }
}

/**
 * A name that is listed costs about a fifth of a secret that is copied (`npm run bench -- backfill`: names and secrets
 * a second), so it takes as much of the pace. A page stays as large as it is, and the pause after it is longer: half a page
 * costs a store that looks at every name as much as a whole one.
 */
const NAMES_PER_SECRET = 5

async function scanPaced(list: Listing, page: ScanPage, watch: Watch): Promise<ScanOutcome | 'over'> {
  const share = await paced(list, list.integration, 1, watch)
  if (share === 'over') return share
  let names = 0
  try {
    const call = { deadline: list.clock.monotonic() + list.deadline, signal: watch.signal }
    const outcome = await list.store.scan(list.integration, page, call)
    if (outcome.kind === 'page') names = outcome.entries.length
    return outcome
  } finally {
    share.end(Math.ceil(names / NAMES_PER_SECRET))
  }
}

const unending = (watch: Watch): Watch => ({ ...watch, over: new AbortController().signal })

const leadsOn = (after: ScanPage['after'], next: ScanPage['after']): boolean =>
  after === null || next === null || after.customer !== next.customer || after.name !== next.name

/** A name that the ledger's text columns cannot keep is written so that people can read it; nobody can ask for it anyway. */
export function found(deps: Pick<InventoryDeps, 'addressable'>, integration: string, entry: ScanEntry): FoundName {
  const kept = { ...entry, customer: keepable(entry.customer), name: keepable(entry.name) }
  const unchanged = kept.customer === entry.customer && kept.name === entry.name
  const { customer, name } = entry
  return unchanged && deps.addressable({ integration, customer, name }) ? kept : { ...kept, refused: true }
}

const keepable = (text: string): string => shortened(text.toWellFormed().replaceAll('\0', '\\0'))

/** Far above what the edge takes; an index of PostgreSQL holds some 2700 bytes in a row, all columns together. */
const KEPT_CHARACTERS = 256

function shortened(text: string): string {
  if (Buffer.byteLength(text) <= KEPT_CHARACTERS * 4) return text
  const digest = createHash('sha256').update(text).digest('hex')
  return `${text.slice(0, KEPT_CHARACTERS).toWellFormed()}... (${text.length} characters, SHA-256 ${digest})`
}
