import { createHash } from 'node:crypto'
import { definitionKey, type FlagDefinition } from './definition.ts'
import { type CompiledFlag, compileFlag, type Engine, type Evaluation, type FlagContext, phaseOf } from './engine.ts'
import type { AcceptedFlag, PhaseRecord } from './memory.ts'
import type { Phase } from './phase.ts'

/*
 * The history of one integration's flag in memory: the newest definition decides; whoever it leaves out keeps the phase
 * known last. "Last" is meant exactly: the newest definition just before each date that has passed in it, then the
 * definition before it as it stood when it was replaced, and so on.
 */

export interface HistoryEntry extends CompiledFlag {
  readonly from: number
  readonly key: string
  /** A digest of the key, to be kept where the definition itself would be too much. */
  readonly name: string
}

/** Newest first; empty: no flag was ever accepted. */
export type History = readonly HistoryEntry[]

/**
 * Definitions that leave customers out pile up until one comes that leaves nobody out. Sixteen of them in a row is a
 * broken way to edit flags; beyond that the oldest but one is forgotten.
 */
const LONGEST = 16

/** Answers for every customer at any time: off, or every strategy names a phase and one of them takes whoever comes. */
export const isTotal = ({ feature }: FlagDefinition): boolean => {
  if (!feature.enabled) return true
  if (feature.dependencies.length > 0) return false
  const named = feature.strategies.every(
    ({ variants }) => variants.length > 0 && variants.every(({ payload }) => phaseOf(payload) !== null),
  )
  return named && feature.strategies.some(takesEverybody)
}

const takesEverybody = (strategy: FlagDefinition['feature']['strategies'][number]): boolean =>
  strategy.name === 'flexibleRollout' &&
  Number(strategy.parameters['rollout']) >= 100 &&
  strategy.parameters['stickiness'] === 'customerId' &&
  strategy.constraints.length === 0 &&
  strategy.segments.length === 0

const toEntry = ({ definition, from }: AcceptedFlag): HistoryEntry => {
  const key = definitionKey(definition)
  const name = createHash('sha256').update(key).digest('hex').slice(0, 16)
  return { ...compileFlag(definition), from, key, name }
}

export const historyOf = (record: PhaseRecord | undefined): History => record?.flags.map(toEntry) ?? []

export const recordOf = (integration: string, history: History): PhaseRecord => ({
  integration,
  flags: history.map(({ definition, from }) => ({ definition, from })),
})

/** The history with `definition` as the newest; what no customer can reach any more is dropped. */
export const extendHistory = (history: History, definition: FlagDefinition, at: number): History => {
  const newest = toEntry({ definition, from: at })
  const all = [newest, ...history.filter(({ key }) => key !== newest.key)]
  const total = all.findIndex((entry) => isTotal(entry.definition))
  const reachable = total < 0 ? all : all.slice(0, total + 1)
  return reachable.length <= LONGEST ? reachable : [...reachable.slice(0, LONGEST - 1), ...reachable.slice(-1)]
}

/** The phase known last for this customer, looking back from `now`; null if no definition ever answered for it. */
export const lastKnown = (engine: Engine, history: History, context: FlagContext, now: number): Phase | null => {
  let until = now
  for (const entry of history) {
    for (const instant of instantsBefore(entry, until)) {
      const evaluation: Evaluation = engine.evaluate(entry, context, instant)
      if (evaluation.kind === 'phase') return evaluation.phase
    }
    until = entry.from
  }
  return null
}

/** When to look: at the end of the definition's time, and just before each date that passed in it, latest first. */
function instantsBefore({ dates, from }: HistoryEntry, until: number): number[] {
  const passed = dates.filter((date) => date > from && date <= until).reverse()
  return [until, ...passed.map((date) => date - 1)]
}

/** When time alone may change the newest definition's answer next; Infinity if never. */
export const nextDate = (history: History, now: number): number =>
  history[0]?.dates.find((date) => date >= now) ?? Number.POSITIVE_INFINITY

/** Nobody leaves `off` by this definition. */
export const namesOnlyOff = ({ feature }: FlagDefinition): boolean => {
  const variants = [...feature.variants, ...feature.strategies.flatMap((strategy) => strategy.variants)]
  return !feature.enabled || variants.every(({ payload }) => phaseOf(payload) === 'off')
}

/** A short name of the newest definition, the same on every replica; null: no flag was ever accepted. */
export const newestName = (history: History): string | null => history[0]?.name ?? null
