import type { Strategy } from '../definition.ts'
import { isAlike, scopeKey } from './alike.ts'
import { tune } from './tune.ts'

/*
 * The calls that turn the strategies of a flag into others while clients poll between any two of them. The server applies
 * each call in one transaction (measured on 7.5.1); what must be right is every state in between. Two ways:
 *
 *   tune     the same steps with other shares or phases: changed in place, in an order in which every customer runs its
 *            phase of before or the one of after (flags/admin/tune.ts). The server's own history then reads well.
 *   switch   anything else. New strategies are added at the end, below a step that takes everybody, where they decide
 *            nothing; one call puts all into their order, and everybody moves at once; what is left over then stands
 *            below the new last step, decides nothing, and is removed.
 *
 * A flag whose last step does not take everybody holds those whom it leaves out at their last known phase; strategies
 * added below are then seen by these customers, from the top down: each finds its new phase, or still none.
 *
 * A crash leaves a state of this list. The next plan starts from it: what was added is found again, and what decides
 * nothing is removed.
 */

/** A strategy as the server holds it. */
export interface HeldStrategy extends Strategy {
  readonly id: string
  /** Not served to clients while it is. */
  readonly disabled: boolean
}

export type StrategyCall =
  /** At the end of the list; `at` names it in a later `order`. */
  | { readonly kind: 'add'; readonly at: string; readonly strategy: Strategy }
  | { readonly kind: 'change'; readonly id: string; readonly strategy: Strategy }
  /** All that are not switched off; ids, and the names of added ones. */
  | { readonly kind: 'order'; readonly ids: readonly string[] }
  | { readonly kind: 'remove'; readonly id: string }

/** Unleash refuses more strategies in one environment of a flag, unless it is set otherwise. */
export const MOST_STRATEGIES = 30

export type StrategyPlan =
  | { readonly kind: 'calls'; readonly calls: readonly StrategyCall[] }
  | { readonly kind: 'refused'; readonly detail: string }

interface Place {
  readonly wanted: Strategy
  /** The strategy that is alike already; null: it must be made. */
  readonly held: HeldStrategy | null
}

/** Strategies that are switched off decide nothing, and are left alone: somebody may mean to use them again. */
export const planStrategies = (all: readonly HeldStrategy[], wanted: readonly Strategy[]): StrategyPlan => {
  const held = all.filter(({ disabled }) => !disabled)
  const places = match(held, wanted)
  const kept = places.flatMap((place) => (place.held === null ? [] : [place.held.id]))
  const left = held.filter(({ id }) => !kept.includes(id))
  const calls = tuned(held, places) ?? switched(held, places, left)
  const most = all.length + calls.filter(({ kind }) => kind === 'add').length
  if (most <= MOST_STRATEGIES) return { kind: 'calls', calls }
  return {
    kind: 'refused',
    detail: `${most} strategies at once, and Unleash takes ${MOST_STRATEGIES}: give fewer cohorts steps of their own, or change them in two goes`,
  }
}

/** Each wanted strategy with one that is alike, each of these once; those in their order already are preferred. */
function match(held: readonly HeldStrategy[], wanted: readonly Strategy[]): readonly Place[] {
  const free = [...held]
  return wanted.map((strategy) => {
    const index = free.findIndex((candidate) => isAlike(candidate, strategy))
    return { wanted: strategy, held: index < 0 ? null : (free.splice(index, 1)[0] ?? null) }
  })
}

/** The same places, some with another share or phase. */
function tuned(held: readonly HeldStrategy[], places: readonly Place[]): readonly StrategyCall[] | null {
  if (held.length !== places.length) return null
  const inPlace = places.every(({ wanted, held: alike }, index) => {
    const there = held[index] as HeldStrategy
    return alike === null ? scopeKey(there) === scopeKey(wanted) : alike.id === there.id
  })
  if (!inPlace) return null
  const order = tune(
    held,
    places.map(({ wanted }) => wanted),
  )
  return (
    order?.map((index) => ({
      kind: 'change',
      id: (held[index] as HeldStrategy).id,
      strategy: (places[index] as Place).wanted,
    })) ?? null
  )
}

function switched(
  held: readonly HeldStrategy[],
  places: readonly Place[],
  left: readonly HeldStrategy[],
): readonly StrategyCall[] {
  const added = places.flatMap(({ wanted, held: alike }, index): StrategyCall[] =>
    alike === null ? [{ kind: 'add', at: `new ${index + 1}`, strategy: wanted }] : [],
  )
  const after = places.map(({ held: alike }, index) => alike?.id ?? `new ${index + 1}`)
  const before = [...held.map(({ id }) => id), ...added.flatMap((call) => (call.kind === 'add' ? [call.at] : []))]
  const ids = [...after, ...left.map(({ id }) => id)]
  const removed = left.map(({ id }): StrategyCall => ({ kind: 'remove', id }))
  const isOrdered = ids.every((id, index) => id === before[index])
  // Taking one away is one call by itself; so is one more at the end.
  const isOne = added.length === 0 && removed.length === 1 && isSubsequence(after, before)
  return [...added, ...(isOrdered || isOne ? [] : [{ kind: 'order', ids } as const]), ...removed]
}

const isSubsequence = (part: readonly string[], whole: readonly string[]): boolean => {
  let next = 0
  for (const id of whole) if (id === part[next]) next += 1
  return next === part.length
}

/** What the list is after a call: how a test, or a dry run, sees it. */
export const afterCall = (held: readonly HeldStrategy[], call: StrategyCall): readonly HeldStrategy[] => {
  switch (call.kind) {
    case 'add':
      return [...held, { ...call.strategy, id: call.at, disabled: false }]
    case 'change':
      return held.map((strategy) => (strategy.id === call.id ? { ...strategy, ...call.strategy } : strategy))
    case 'order':
      return [
        ...call.ids.flatMap((id) => held.filter((strategy) => strategy.id === id)),
        ...held.filter(({ id }) => !call.ids.includes(id)),
      ]
    case 'remove':
      return held.filter(({ id }) => id !== call.id)
  }
}
