import type PQueue from 'p-queue'
import { failedAs, no } from '../failure.ts'
import { byteOrder } from '../secret-text.ts'
import type { Call, ScanEntry, ScanOutcome, ScanPage } from '../store.ts'
import type { Engine, Look, Path } from './engine.ts'
import { type Folders, ListingFailed } from './folders.ts'
import type { PathTemplate } from './path-template.ts'
import { encodeSegment } from './segments.ts'

export interface ScanParts {
  readonly template: PathTemplate
  readonly folders: Folders
  readonly engine: Engine
  readonly queue: PQueue
  /** The server wants to be left alone for longer than the call has. */
  readonly isOver: (call: Call) => boolean
}

interface Place {
  readonly customer: string
  readonly name: string
}

/**
 * A page by walking the folders from the place on: nothing is held between two pages, and no more in memory than the page
 * and the folders on the way to it. What is listed is looked at before it is named: version 2 lists removed secrets too. A
 * failure on the way ends the page where it is, so that a server which is slow, or limits its clients, is got through.
 */
export async function scan(parts: ScanParts, integration: string, page: ScanPage, call: Call): Promise<ScanOutcome> {
  const entries: ScanEntry[] = []
  let places: Place[] = []
  let seen: Place | null = null
  const look = async (): Promise<void> => {
    for (const { place, found } of await lookAll(parts, integration, places, call)) {
      if (found.kind === 'failed') throw new ListingFailed(found.failure)
      entries.push(...entriesOf(place, found))
      seen = place
    }
    places = []
  }
  try {
    for await (const place of placesFrom(parts, integration, page, call)) {
      places.push(place)
      // One more than asked tells of a next page.
      if (entries.length + places.length > page.limit) await look()
      if (entries.length > page.limit) break
    }
    await look()
  } catch (error) {
    if (!(error instanceof ListingFailed)) throw error
    if (seen === null) return failedAs(error.failure)
    return pageOf(entries, page.limit, seen)
  }
  return pageOf(entries, page.limit, null)
}

/** `rest`: the place behind which nothing was looked at, if that is not the end. */
function pageOf(entries: readonly ScanEntry[], limit: number, rest: Place | null): ScanOutcome {
  const kept = entries.slice(0, limit)
  const last = entries.length > limit ? (kept.at(-1) ?? rest) : rest
  return { kind: 'page', entries: kept, next: last && { customer: last.customer, name: last.name } }
}

async function* placesFrom(parts: ScanParts, integration: string, page: ScanPage, call: Call): AsyncGenerator<Place> {
  const after = page.after ?? { customer: '', name: '' }
  const customers =
    page.customer === undefined ? customersFrom(parts, integration, after.customer, call) : [page.customer]
  for await (const customer of customers) {
    const order = byteOrder(customer, after.customer)
    if (order < 0) continue
    const folder = parts.template.names(integration, customer)
    const from = order === 0 ? (page.after?.name ?? null) : null
    for await (const name of namesAfter(parts.folders, folder, '', from, call)) yield { customer, name }
  }
}

async function* customersFrom(
  { template, folders }: ScanParts,
  integration: string,
  from: string,
  call: Call,
): AsyncGenerator<string> {
  for await (const { segment } of folders.children(template.customers(integration), 'customers', from, call)) {
    yield segment
  }
}

/**
 * The names in a folder, in byte order of the whole name, strictly after `from`, or all of them; `prefix` is the folder's own,
 * with a slash. An empty `from` is a name, too: the one that ends with the folder's slash.
 */
async function* namesAfter(
  folders: Folders,
  folder: Path,
  prefix: string,
  from: string | null,
  call: Call,
): AsyncGenerator<string> {
  for await (const { segment, isFolder, order } of folders.children(folder, 'names', from ?? '', call)) {
    if (isFolder) {
      const rest = from?.startsWith(order) ? from.slice(order.length) : null
      yield* namesAfter(folders, [...folder, encodeSegment(segment)], `${prefix}${order}`, rest, call)
    } else if (segment !== from) yield `${prefix}${segment}`
  }
}

async function lookAll(
  { engine, template, queue, isOver }: ScanParts,
  integration: string,
  places: readonly Place[],
  call: Call,
): Promise<readonly { readonly place: Place; readonly found: Look }[]> {
  const look = async (place: Place): Promise<Look> => {
    if (isOver(call)) return THROTTLED
    const path = template.place({ integration, ...place })
    return path === null ? TOO_LONG : engine.look(path, call)
  }
  return queue.addAll(places.map((place) => async () => ({ place, found: await look(place) })))
}

function entriesOf(place: Place, look: Look): readonly ScanEntry[] {
  if (look.kind === 'there') return [{ ...place, version: look.version }]
  return look.kind === 'nowhere' && isGarbled(place) ? [{ ...place, version: null }] : []
}

const THROTTLED: Look = { kind: 'failed', failure: no('throttled', true) }

/** Longer than what can be addressed: whoever wrote it, it is there and cannot be read here. */
const TOO_LONG: Look = { kind: 'there', version: null }

/** Bytes that are no UTF-8 are listed as this character, under which nothing lies: named, so that somebody hears of it. */
const isGarbled = ({ name }: Place): boolean => name.includes('\uFFFD')
