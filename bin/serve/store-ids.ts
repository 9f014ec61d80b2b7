import type { Store } from '../../backends/store.ts'
import type { Clock } from '../../core/clock.ts'

/*
 * What the stores say that they are, asked once each, when that first matters: a store that cannot be reached at the start is
 * asked before its first call. Its answer is asked for again only while it is not the one that was enrolled.
 */
export interface StoreIds {
  /** undefined: it was not asked, or did not answer. null: it has none. */
  of(store: string): string | null | undefined
  /** Asks those that did not answer yet. Never rejects. */
  learn(stores: Iterable<string>): Promise<void>
  /** Asks anew, and lets a store make its tables first. False: one did not answer. */
  make(stores: Iterable<string>): Promise<boolean>
  /** Those that must answer before they may be used, and those that must not be used as long as they answer so. */
  guard(unasked: ReadonlySet<string>, refused: ReadonlySet<string>): void
  /** Before every call to a store: at once where nothing is in doubt. */
  admits(store: string): boolean | Promise<boolean>
}

export interface StoreIdsParts {
  readonly stores: () => ReadonlyMap<string, Pick<Store, 'identity'>>
  readonly clock: Clock
  /** Told after an answer, so that who guards looks again before it is used. */
  readonly onAnswer: () => void
}

/** ms that a store has to say what it is; after which one that did not is asked again; and one that is refused. */
const PATIENCE = 2000
const SOON = 250
const AGAIN = 5000

export function makeStoreIds({ stores, clock, onAnswer }: StoreIdsParts): StoreIds {
  const ids = new Map<string, string | null>()
  const asking = new Map<string, Promise<boolean>>()
  const askedAt = new Map<string, number>()
  let unasked: ReadonlySet<string> = new Set()
  let refused: ReadonlySet<string> = new Set()

  const put = async (store: string, make: boolean): Promise<boolean> => {
    askedAt.set(store, clock.monotonic())
    const call = { deadline: clock.monotonic() + PATIENCE, signal: AbortSignal.timeout(PATIENCE) }
    const outcome = await stores().get(store)?.identity(call, make)
    if (outcome?.kind !== 'is') return false
    if (ids.get(store) === outcome.id) return true
    ids.set(store, outcome.id)
    onAnswer()
    return true
  }
  const ask = (store: string): Promise<boolean> => {
    const own = asking.get(store) ?? put(store, false).finally(() => asking.delete(store))
    asking.set(store, own)
    return own
  }
  /** Who waits for an answer joins; nobody asks again so soon. */
  const mayAsk = (store: string, pause: number): boolean =>
    asking.has(store) || clock.monotonic() - (askedAt.get(store) ?? Number.NEGATIVE_INFINITY) >= pause

  return {
    of: (store) => ids.get(store),
    learn: async (names) => {
      await Promise.all([...new Set(names)].filter((name) => ids.get(name) === undefined).map(ask))
    },
    make: async (names) => (await Promise.all([...new Set(names)].map((name) => put(name, true)))).every(Boolean),
    guard: (first, never) => {
      unasked = first
      refused = never
    },
    admits: (store) => {
      const isNew = unasked.has(store)
      if (!isNew && !refused.has(store)) return true
      if (!mayAsk(store, isNew ? SOON : AGAIN)) return false
      return ask(store).then(() => !unasked.has(store) && !refused.has(store))
    },
  }
}
