import { EventEmitter } from 'node:events'
import type { Evidence } from './guard/judge.ts'
import { type Phase, phaseRank } from './phase.ts'

/** What lowers a phase: a gate not passed, a guard that tripped, an operator's rollback. */
export const CAP_KINDS = ['gate', 'guard', 'rollback'] as const
export type CapKind = (typeof CAP_KINDS)[number]

export const EVERY_INTEGRATION = '*'

/** What a cap covers; one cap of each kind for one scope. */
export interface CapScope {
  /** An integration, or `*` for all of them. */
  readonly integration: string
  /** null: every cohort. */
  readonly cohort: string | null
}

/** The highest phase allowed in a scope, and why. Plain JSON. */
export interface Cap extends CapScope {
  readonly kind: CapKind
  readonly phase: Phase
  readonly reason: string
  /** Who set it: an operator's name, `gate` or `guard`. */
  readonly by: string
  /** ms since the epoch. */
  readonly at: number
  /** What the guard saw: figures, plain JSON. */
  readonly evidence?: Evidence
}

export type CapKey = CapScope & { readonly kind: CapKind }

export interface CapEvents {
  added: [cap: Cap]
  removed: [cap: Cap]
}

/** The caps that hold now, in memory; who makes them durable or spreads them listens to `events`. */
export interface CapBook {
  readonly events: EventEmitter<CapEvents>
  /** Grows with every change; decisions are cached against it. */
  version(): number
  /** Adds the cap, in place of the one of the same scope and kind. */
  add(cap: Cap): void
  /** The cap that was removed, or null if there was none. */
  remove(key: CapKey): Cap | null
  /** Makes the book hold exactly these: for loading what is durable. */
  replace(caps: readonly Cap[]): void
  list(): readonly Cap[]
  /** Every cap that covers this cohort of this integration, the lowest first. */
  matching(integration: string, cohort: string): readonly Cap[]
  /** The lowest of them. */
  lowest(integration: string, cohort: string): Cap | null
}

const keyOf = ({ integration, cohort, kind }: CapKey): string => `${kind}\0${integration}\0${cohort ?? ''}`

const covers = (cap: CapScope, cohort: string): boolean => cap.cohort === null || cap.cohort === cohort

const byPhase = (a: Cap, b: Cap): number => phaseRank(a.phase) - phaseRank(b.phase) || a.at - b.at

export const makeCapBook = (initial: readonly Cap[] = []): CapBook => {
  const events = new EventEmitter<CapEvents>()
  const caps = new Map<string, Cap>()
  let changes = 0

  const add = (cap: Cap): void => {
    caps.set(keyOf(cap), cap)
    changes += 1
    events.emit('added', cap)
  }
  const remove = (key: CapKey): Cap | null => {
    const cap = caps.get(keyOf(key)) ?? null
    if (cap === null) return null
    caps.delete(keyOf(key))
    changes += 1
    events.emit('removed', cap)
    return cap
  }
  const replace = (next: readonly Cap[]): void => {
    const keep = new Set(next.map(keyOf))
    for (const cap of [...caps.values()]) if (!keep.has(keyOf(cap))) remove(cap)
    for (const cap of next) if (!sameCap(caps.get(keyOf(cap)), cap)) add(cap)
  }
  const matching = (integration: string, cohort: string): readonly Cap[] =>
    [...caps.values()]
      .filter((cap) => cap.integration === integration || cap.integration === EVERY_INTEGRATION)
      .filter((cap) => covers(cap, cohort))
      .sort(byPhase)

  replace(initial)
  return {
    events,
    version: () => changes,
    add,
    remove,
    replace,
    list: () => [...caps.values()],
    matching,
    lowest: (integration, cohort) => matching(integration, cohort)[0] ?? null,
  }
}

const sameCap = (a: Cap | undefined, b: Cap): boolean =>
  a !== undefined && a.phase === b.phase && a.reason === b.reason && a.by === b.by && a.at === b.at
