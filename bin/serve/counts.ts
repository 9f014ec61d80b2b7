import type { Clock } from '../../core/clock.ts'
import { addCounts, type Counts, NO_COUNTS } from '../../ledger/postgres/progress.ts'

/*
 * Counting reads every row of an integration. That costs nothing worth mentioning up to a hundred thousand of them, and half a
 * second and more beyond: such an integration is counted at most every ten seconds, and between that what was counted last is
 * shown, with the instant. Nobody waits for a figure that is not older than a minute; it is counted anew behind it.
 */

/** What was counted of an integration, and when. */
export interface Counted {
  /** ms since the epoch; null: for this look. */
  readonly at: number | null
  readonly cohorts: ReadonlyMap<string, Counts>
}

export interface CountingParts {
  /** By cohort, of each of these integrations. Rejects with `ledger-unavailable`. */
  readonly count: (integrations: readonly string[]) => Promise<ReadonlyMap<string, ReadonlyMap<string, Counts>>>
  readonly clock: Clock
  /** Rows from which on figures are remembered. */
  readonly large?: number
}

export interface Counting {
  /** Of each of these; no cohort where the ledger has no row. Rejects with `ledger-unavailable`. */
  of(integrations: readonly string[]): Promise<ReadonlyMap<string, Counted>>
}

const LARGE = 100_000
/** ms for which figures of a large integration are as good as new, and for which they are shown while newer ones are made. */
const FRESH = 10_000
const USABLE = 60_000

export const totalOf = ({ cohorts }: Counted): Counts => [...cohorts.values()].reduce(addCounts, NO_COUNTS)

interface Remembered extends Counted {
  readonly at: number
  /** Of the monotonic clock. */
  readonly since: number
}

export function makeCounting({ count, clock, large = LARGE }: CountingParts): Counting {
  const remembered = new Map<string, Remembered>()
  const behind = new Map<string, Promise<unknown>>()

  const recount = async (integrations: readonly string[]): Promise<ReadonlyMap<string, Counted>> => {
    const stamp = { at: clock.wall(), since: clock.monotonic() }
    const found = await count(integrations)
    const counted = integrations.map(
      (integration) =>
        [integration, { ...stamp, cohorts: found.get(integration) ?? new Map<string, Counts>() }] as const,
    )
    for (const [integration, figures] of counted) {
      const { discovered, tombstones } = totalOf(figures)
      if (discovered + tombstones >= large) remembered.set(integration, figures)
      else remembered.delete(integration)
    }
    const isLarge = (integration: string): boolean => remembered.has(integration)
    return new Map(counted.map(([name, figures]) => [name, isLarge(name) ? figures : { ...figures, at: null }]))
  }

  const refresh = (integration: string): void => {
    if (behind.has(integration)) return
    const counting = recount([integration])
      .catch(() => undefined)
      .finally(() => behind.delete(integration))
    behind.set(integration, counting)
  }

  return {
    of: async (integrations) => {
      const now = clock.monotonic()
      const usable = integrations.flatMap((integration) => {
        const known = remembered.get(integration)
        return known !== undefined && now - known.since < USABLE ? [[integration, known] as const] : []
      })
      for (const [integration, { since }] of usable) if (now - since >= FRESH) refresh(integration)
      const known = new Map<string, Counted>(usable)
      const others = integrations.filter((integration) => !known.has(integration))
      const counted = others.length === 0 ? [] : await recount(others)
      return new Map([...known, ...counted])
    },
  }
}
