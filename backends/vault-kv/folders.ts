/**
 * What lies in a folder, in the byte order of its decoded segments, from any place on.
 *
 * The server lists in the order of its own keys, where a folder ends with `/`: `acme-2/` before `acme/`, `a-b` before
 * `a/`. As parts of a *name* that is the order of the whole names, which hold that slash too. *Customers* are compared
 * without it, so one that is the beginning of another may be listed behind it: at the end of each page the few that could
 * still come are asked for. Escaped segments lie together behind their mark (segments.ts) and are merged in.
 *
 * A small folder is one request. Of a large one only the page from the place on is read, where the server has pages;
 * one that has none (Vault, and KV 1 everywhere) sends the whole list, which is recognised by its answer.
 */
import { isMap } from '../canonical-json.ts'
import { type Failure, unsure } from '../failure.ts'
import { byteOrder } from '../secret-text.ts'
import type { Call } from '../store.ts'
import { part, readAnswer, refusalOf, saysNothingThere } from './answers.ts'
import type { Path, Requests } from './engine.ts'
import { BEFORE_MARKED, decodeSegment, isEscaped, isMarked, plainBeginning } from './segments.ts'

/** `customers`: folders only, compared by their segment. `names`: compared as the beginning of a name. */
export type Kind = 'customers' | 'names'

export interface Child {
  readonly segment: string
  readonly isFolder: boolean
  /** What it is compared by. */
  readonly order: string
}

/** Thrown by the walk and caught by the scan: a generator has no other way to end with an outcome. */
export class ListingFailed extends Error {
  readonly failure: Failure
  constructor(failure: Failure) {
    super('a listing failed')
    this.failure = failure
  }
}

export interface Folders {
  /** Children whose order is not before `from`, and of names the folder that begins `from`: it may hold what comes after. */
  children(folder: Path, kind: Kind, from: string, call: Call): AsyncGenerator<Child>
  /** The keys of a folder as they are, those of folders with a slash at their end, page by page. */
  pages(folder: Path, call: Call): AsyncGenerator<readonly string[]>
}

const PAGE = 1000
/** Behind every key that begins with what it is put after: it is no character, so no key holds it. */
const BEHIND = '\u{10FFFF}'

interface Page {
  readonly keys: readonly string[]
  /** There is nothing behind it. */
  readonly last: boolean
}

export function makeFolders(requests: Requests, listed: Path, pages: boolean, pageSize = PAGE): Folders {
  /** Keys behind `after`, at most about `limit` of them. */
  const list = async (folder: Path, after: string, limit: number, call: Call): Promise<Page> => {
    const query = { list: 'true', ...(pages && { limit: String(limit), ...(after !== '' && { after }) }) }
    const outcome = await requests.read([...listed, ...folder], query, call)
    if (outcome.kind === 'failed') throw new ListingFailed(outcome.failure)
    const { status, body } = outcome
    if (status === 404 && saysNothingThere(body)) return { keys: [], last: true }
    if (status !== 200) throw new ListingFailed(refusalOf(status, body))
    const all = keysOf(body)
    const keys = all.filter((key) => after === '' || byteOrder(key, after) > 0).sort(byteOrder)
    return { keys, last: !pages || all.length !== limit }
  }

  /** Customers that may still be listed although they come before the end of the page. */
  const heldBack = async (folder: Path, end: string, call: Call): Promise<readonly string[]> => {
    const found: string[] = []
    for (const beginning of beginningsBefore(end)) {
      const page = await list(folder, `${beginning}.${BEHIND}`, 1, call)
      if (page.keys[0] === `${beginning}/`) found.push(page.keys[0])
    }
    return found
  }

  const plain = async function* (folder: Path, kind: Kind, from: string, call: Call): AsyncGenerator<Child> {
    let after = beforeOf(from)
    let least: string | null = null
    for (;;) {
      const page = await list(folder, after, pageSize, call)
      const end = page.keys.at(-1)
      const more = kind === 'customers' && !page.last && end !== undefined ? await heldBack(folder, end, call) : []
      const children = childrenOf(
        [...page.keys, ...more].filter((key) => !isEscaped(segmentOf(key))),
        kind,
      )
      for (const child of children) {
        if (!isFrom(child, from) || (least !== null && byteOrder(child.order, least) <= 0)) continue
        least = child.order
        yield child
      }
      if (page.last || end === undefined) return
      after = end
    }
  }

  /** All of a folder's escaped segments; few, or else the folder is of names that no client of Vault could use. */
  const escaped = async function* (folder: Path, kind: Kind, from: string, call: Call): AsyncGenerator<Child> {
    const keys: string[] = []
    let after = `${BEFORE_MARKED}${BEHIND}`
    for (;;) {
      const page = await list(folder, after, pageSize, call)
      keys.push(...page.keys.filter((key) => isEscaped(segmentOf(key))))
      const end = page.keys.at(-1)
      if (page.last || end === undefined || !isMarked(end)) break
      after = end
    }
    yield* childrenOf(keys, kind).filter((child) => isFrom(child, from))
  }

  return {
    children: async function* (folder, kind, from, call) {
      const first = await list(folder, '', pageSize, call)
      if (first.last) yield* childrenOf(first.keys, kind).filter((child) => isFrom(child, from))
      else yield* merged(plain(folder, kind, from, call), escaped(folder, kind, from, call))
    },
    pages: async function* (folder, call) {
      for (let after = ''; ; ) {
        const page = await list(folder, after, pageSize, call)
        yield page.keys
        const end = page.keys.at(-1)
        if (page.last || end === undefined) return
        after = end
      }
    },
  }
}

/** A folder's key ends with a slash. */
const segmentOf = (key: string): string => (key.endsWith('/') ? key.slice(0, -1) : key)

function keysOf(body: Buffer): readonly string[] {
  const answer = readAnswer(body)
  const keys = answer && part(answer, 'data')['keys']
  if (!Array.isArray(keys) || isMap(keys)) throw new ListingFailed(unsure('protocol'))
  return keys.filter((key): key is string => typeof key === 'string')
}

/** In order. A key that is no image of a text, or no folder where customers are expected, is not one of ours. */
function childrenOf(keys: readonly string[], kind: Kind): readonly Child[] {
  const children = keys.flatMap((key): Child[] => {
    const isFolder = key.endsWith('/')
    const segment = decodeSegment(segmentOf(key))
    if (segment === null || (kind === 'customers' && !isFolder)) return []
    return [{ segment, isFolder, order: kind === 'names' && isFolder ? `${segment}/` : segment }]
  })
  return children.sort((a, b) => byteOrder(a.order, b.order))
}

const isFrom = ({ order, isFolder, segment }: Child, from: string): boolean =>
  byteOrder(order, from) >= 0 || (isFolder && order !== segment && from.startsWith(order))

/** A key behind which everything lies that is asked for: the first segment itself may have to be looked into. */
function beforeOf(from: string): string {
  const beginning = plainBeginning(from.split('/', 1)[0] as string)
  // Exclusive at the server: one character less is never too much.
  return [...beginning].slice(0, -1).join('')
}

/** Beginnings of a key that, as folders, are listed behind it: those followed by what sorts before a slash. */
function beginningsBefore(end: string): readonly string[] {
  return [...segmentOf(end)].flatMap((character, at, all) =>
    at > 0 && character < '/' ? [all.slice(0, at).join('')] : [],
  )
}

async function* merged(one: AsyncGenerator<Child>, other: AsyncGenerator<Child>): AsyncGenerator<Child> {
  let [a, b] = [await one.next(), await other.next()]
  while (!a.done || !b.done) {
    if (b.done || (!a.done && byteOrder(a.value.order, b.value.order) < 0)) {
      yield a.value as Child
      a = await one.next()
    } else {
      yield b.value as Child
      b = await other.next()
    }
  }
}
