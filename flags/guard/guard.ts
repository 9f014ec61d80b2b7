import type { Clock } from '../../core/clock.ts'
import type { Budgets } from './config.ts'
import { packShare, unpackShare } from './exchange.ts'
import { type Budget, baselineOf, type Evidence, type Figures, judge, type SeenMismatch, usage } from './judge.ts'
import { makeTallies, makeWindow, type Sample, type SlidingWindow } from './window.ts'

/*
 * The guard watches every cohort of every integration in which new is read. What is counted of new are only calls that
 * serve: a phase that reads legacy leaves no sample of it, so nothing can trip there, and a cap ends the watch by itself.
 * Of legacy everything counts, as the baseline. Each replica judges the figures of all of them, as far as it has heard:
 * alone it judges its own. It only ever says that a budget is broken; whoever asked sets the cap, and never raises one.
 */
export interface Guard {
  observe(place: Place, sample: Sample): void
  /** A difference that stayed, found while new is read in this cohort. `key` names the secret, for the count only. */
  mismatch(place: Place, key: string, mismatch: SeenMismatch): Trip | null
  /** Judges everything that may have changed. */
  look(): readonly Trip[]
  /** What this replica saw since it was asked before, for the others; null: nothing. */
  share(): readonly unknown[] | null
  /** What another one saw. `number` grows with each of its messages. */
  take(from: string, number: number, shares: readonly unknown[]): void
  /** The windows of this scope begin anew; null: every integration, every cohort. */
  forget(integration: string | null, cohort: string | null): void
  /** For status and metrics: cohorts in which new was read within the window. */
  watched(): readonly Watched[]
}

export interface Place {
  readonly integration: string
  readonly cohort: string
}

export interface Trip extends Place {
  readonly evidence: Evidence
  readonly budgets: Budgets
}

export interface Watched extends Place {
  readonly figures: Figures
  readonly used: Readonly<Record<Budget, number>>
}

export interface GuardParts {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Null: off. */
  readonly budgets: (integration: string) => Budgets | null
  /** Already at or below what a trip would set: nothing to do. */
  readonly isCapped: (place: Place, budgets: Budgets) => boolean
}

interface Cell extends Place {
  readonly budgets: Budgets
  readonly window: SlidingWindow
  /** By secret, the oldest first; bounded by what the budget could ever need. */
  readonly mismatches: Map<string, SeenMismatch & { readonly at: number }>
  /** Found here, and not told yet. */
  untold: (SeenMismatch & { readonly key: string })[]
}

/** Mismatches remembered a cohort beyond its budget. */
const SPARE = 20
/** Replicas of which the last message is remembered. */
const REMEMBERED = 1000

const keyOf = ({ integration, cohort }: Place): string => JSON.stringify([integration, cohort])

export function makeGuard({ clock, budgets, isCapped }: GuardParts): Guard {
  const cells = new Map<string, Cell>()
  /** Legacy's p99 as last known: it outlives the window, because past `live` nothing reads legacy any more. */
  const baselines = new Map<string, number>()
  /** The last message of each replica. */
  const heard = new Map<string, number>()

  const cellOf = (place: Place): Cell | null => {
    const found = cells.get(keyOf(place))
    if (found !== undefined) return found
    const { integration, cohort } = place
    const own = budgets(integration)
    if (own === null) return null
    const cell: Cell = {
      integration,
      cohort,
      budgets: own,
      window: makeWindow(own.window),
      mismatches: new Map(),
      untold: [],
    }
    cells.set(keyOf(place), cell)
    return cell
  }

  const remember = (cell: Cell, key: string, seen: SeenMismatch): void => {
    cell.mismatches.delete(key)
    cell.mismatches.set(key, { id: seen.id, class: seen.class, at: clock.monotonic() })
    const [oldest] = cell.mismatches.keys()
    const most = cell.budgets.stable_mismatches + SPARE
    if (cell.mismatches.size > most && oldest !== undefined) cell.mismatches.delete(oldest)
  }

  const figuresOf = (cell: Cell): Figures => {
    const now = clock.monotonic()
    for (const [key, { at }] of cell.mismatches) if (at <= now - cell.budgets.window) cell.mismatches.delete(key)
    const tallies = cell.window.sum(now)
    const measured = baselineOf(tallies, cell.budgets)
    if (measured !== null) baselines.set(keyOf(cell), measured)
    const mismatches = [...cell.mismatches.values()].map(({ id, class: found }) => ({ id, class: found }))
    return { ...tallies, mismatches, baseline: baselines.get(keyOf(cell)) ?? null }
  }

  const judgeCell = (cell: Cell): Trip | null => {
    const figures = figuresOf(cell)
    if (isCapped(cell, cell.budgets)) return null
    const evidence = judge(figures, cell.budgets)
    const { integration, cohort } = cell
    return evidence === null ? null : { integration, cohort, evidence, budgets: cell.budgets }
  }

  /** Nothing within its window, and nothing to tell. */
  const dropEmpty = (): void => {
    for (const [key, cell] of cells) {
      const isEmpty = cell.mismatches.size === 0 && cell.untold.length === 0 && cell.window.isEmpty(clock.monotonic())
      if (isEmpty) cells.delete(key)
    }
  }

  const isRead = ({ mismatches, new: fresh }: Figures): boolean => fresh.calls > 0 || mismatches.length > 0

  return {
    observe: (place, sample) => cellOf(place)?.window.add(sample, clock.monotonic()),
    mismatch: (place, key, mismatch) => {
      const cell = cellOf(place)
      if (cell === null) return null
      remember(cell, key, mismatch)
      cell.untold.push({ key, ...mismatch })
      return judgeCell(cell)
    },
    look: () => {
      const trips = [...cells.values()].map(judgeCell).filter((trip) => trip !== null)
      dropEmpty()
      return trips
    },
    share: () => {
      const shares = [...cells.values()].flatMap((cell) => {
        const tallies = cell.window.takeOwn()
        const { integration, cohort, untold: mismatches } = cell
        cell.untold = []
        if (tallies === null && mismatches.length === 0) return []
        return [packShare({ integration, cohort, tallies: tallies ?? makeTallies(), mismatches })]
      })
      return shares.length === 0 ? null : shares
    },
    take: (from, number, shares) => {
      if ((heard.get(from) ?? -1) >= number) return
      heard.delete(from)
      heard.set(from, number)
      const [oldest] = heard.keys()
      if (heard.size > REMEMBERED && oldest !== undefined) heard.delete(oldest)
      for (const share of shares.map(unpackShare)) {
        const cell = share === null ? null : cellOf(share)
        if (share === null || cell === null) continue
        cell.window.merge(share.tallies, clock.monotonic())
        for (const { key, ...seen } of share.mismatches) remember(cell, key, seen)
      }
    },
    forget: (integration, cohort) => {
      for (const [key, cell] of cells) {
        const isMeant = integration === null || cell.integration === integration
        if (isMeant && (cohort === null || cell.cohort === cohort)) cells.delete(key)
      }
    },
    watched: () =>
      [...cells.values()].flatMap((cell) => {
        const figures = figuresOf(cell)
        const { integration, cohort } = cell
        return isRead(figures) ? [{ integration, cohort, figures, used: usage(figures, cell.budgets) }] : []
      }),
  }
}
