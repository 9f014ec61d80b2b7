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
  /** Grows with every answer. */
  version(): number
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

/** ms that a store has to say what it is, and after which one that is refused is asked again. */
const PATIENCE = 2000
const AGAIN = 5000

export function makeStoreIds({ stores, clock, onAnswer }: StoreIdsParts): StoreIds {
  const ids = new Map<string, string | null>()
  const asking = new Map<string, Promise<void>>()
  const askedAt = new Map<string, number>()
  let answers = 0
  let unasked: ReadonlySet<string> = new Set()
  let refused: ReadonlySet<string> = new Set()

  const put = async (store: string): Promise<void> => {
    askedAt.set(store, clock.monotonic())
    const stop = AbortSignal.timeout(PATIENCE)
    const outcome = await stores()
      .get(store)
      ?.identity({ deadline: clock.monotonic() + PATIENCE, signal: stop })
    if (outcome?.kind !== 'is' || ids.get(store) === outcome.id) return
    ids.set(store, outcome.id)
    answers += 1
    onAnswer()
  }
  const ask = (store: string): Promise<void> => {
    const own = asking.get(store) ?? put(store).finally(() => asking.delete(store))
    asking.set(store, own)
    return own
  }
  const mayAskAgain = (store: string): boolean =>
    clock.monotonic() - (askedAt.get(store) ?? Number.NEGATIVE_INFINITY) >= AGAIN

  return {
    of: (store) => ids.get(store),
    learn: async (names) => {
      await Promise.all([...new Set(names)].filter((name) => ids.get(name) === undefined).map(ask))
    },
    version: () => answers,
    guard: (first, never) => {
      unasked = first
      refused = never
    },
    admits: (store) => {
      if (unasked.has(store)) return ask(store).then(() => !unasked.has(store) && !refused.has(store))
      if (!refused.has(store)) return true
      return mayAskAgain(store) ? ask(store).then(() => !refused.has(store)) : false
    },
  }
}
