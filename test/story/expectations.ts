import { type Address, addressKey } from '../../backends/secret.ts'
import { type History, makeHistory, type Told } from '../simulation/history.ts'
import type { Content } from './content.ts'

/*
 * One history a secret: every write with when it began and how it ended. A read may return what a write left that no
 * acknowledged one had replaced before the read began. What it returned instead has a name:
 *
 *   lost         nothing, where something must be
 *   resurrected  something, where nothing may be since a delete was acknowledged
 *   stale        something that was there once
 *   altered      something that nobody ever wrote
 */
export type Verdict = 'right' | 'lost' | 'resurrected' | 'stale' | 'altered'

export interface Expectations {
  readonly addresses: () => readonly Address[]
  /** Call before the request is sent; call the answer with how it ended. `null`: a delete. */
  readonly write: (address: Address, content: Content) => (told: Told) => void
  /** Call before the request is sent; call the answer with what came. Several: what came stands for any of them. */
  readonly read: (address: Address) => (seen: readonly Content[]) => Verdict
  /** No write can have left it absent. */
  readonly isPresent: (address: Address) => boolean
  /** A delete was acknowledged, or nobody wrote it, and nothing that may have come since left anything there. */
  readonly isAbsent: (address: Address) => boolean
  /** No client ever tried to write it. */
  readonly isUntouched: (address: Address) => boolean
  readonly activity: (address: Address) => Activity
}

/** Writes of one secret, so that a client can tell whether another one's met its own. */
export interface Activity {
  /** Grows whenever one begins or ends. */
  readonly changes: number
  /** On their way now. */
  readonly open: number
}

interface Entry {
  readonly address: Address
  readonly history: History
  /** By the id of the write; `initial` is what was there at the start. */
  readonly contents: Map<string, Content>
  changes: number
  open: number
}

/** `initial`: everything that is there at the start. Any other address is absent. */
export function makeExpectations(
  initial: Iterable<{ readonly address: Address; readonly content: string }>,
): Expectations {
  const entries = new Map<string, Entry>()
  const add = (address: Address, content: Content): Entry => {
    const history = makeHistory(content, 'all')
    const entry = { address, history, contents: new Map([['initial', content]]), changes: 0, open: 0 }
    entries.set(addressKey(address), entry)
    return entry
  }
  const find = (address: Address): Entry => entries.get(addressKey(address)) ?? add(address, null)
  for (const { address, content } of initial) add(address, content)

  return {
    addresses: () => [...entries.values()].map(({ address }) => address),
    write: (address, content) => begin(find(address), content),
    read: (address) => {
      const entry = find(address)
      const replaced = entry.history.replaced()
      return (seen) => (seen.some((content) => entry.history.allows(content, replaced)) ? 'right' : wrong(entry, seen))
    },
    isPresent: (address) => possible(find(address)).every((content) => content !== null),
    isAbsent: (address) => possible(find(address)).every((content) => content === null),
    isUntouched: (address) => find(address).changes === 0,
    activity: (address) => {
      const { changes, open } = find(address)
      return { changes, open }
    },
  }
}

function begin(entry: Entry, content: Content): (told: Told) => void {
  const id = String(entry.contents.size)
  entry.contents.set(id, content)
  entry.history.begin(id, content)
  entry.changes += 1
  entry.open += 1
  return (told) => {
    entry.history.end(id, told)
    entry.changes += 1
    entry.open -= 1
  }
}

/** What a read that starts now may return. */
const possible = ({ history, contents }: Entry): readonly Content[] => {
  const replaced = history.replaced()
  return [...contents.values()].filter((content) => history.allows(content, replaced))
}

function wrong(entry: Entry, seen: readonly Content[]): Exclude<Verdict, 'right'> {
  if (seen.includes(null)) return 'lost'
  const known = [...entry.contents.values()]
  if (!seen.some((content) => known.includes(content))) return 'altered'
  return possible(entry).every((content) => content === null) ? 'resurrected' : 'stale'
}
