import type { Strategy } from '../definition.ts'
import { phaseOf } from '../engine.ts'
import { isAlike, scopeKey } from './alike.ts'

/*
 * In which order steps can be changed in place, one call each. Within one scope (the same constraints) a customer is its
 * bucket, 1 to 100, and runs the first step whose share reaches it; a scope that ends at 100 % before and after hands
 * nobody on, so it can be judged by itself. A change is safe if every bucket then runs its phase of before or of after:
 * raising goes from the top down, lowering from the bottom up, and what is neither is searched for.
 */

const BUCKETS = Array.from({ length: 100 }, (_, index) => index + 1)

interface Rung {
  readonly index: number
  readonly before: Strategy
  readonly after: Strategy
}

/** The places to change, in a safe order; null if there is none, or nobody can tell. */
export const tune = (held: readonly Strategy[], wanted: readonly Strategy[]): readonly number[] | null => {
  const rungs = held.map((before, index): Rung => ({ index, before, after: wanted[index] as Strategy }))
  const changed = rungs.filter(isChanged)
  // One call is one moment.
  if (changed.length <= 1) return changed.map(({ index }) => index)
  const scopes = Object.values(Object.groupBy(rungs, ({ before }) => scopeKey(before)))
  const orders = scopes.map((scope) => orderOf(scope ?? []))
  return orders.includes(null) ? null : orders.flatMap((order) => order ?? [])
}

const isChanged = ({ before, after }: Rung): boolean => !isAlike(before, after)
const phaseIn = (strategy: Strategy): string | null => phaseOf(strategy.variants[0]?.payload)
const shareIn = (strategy: Strategy): number => Number(strategy.parameters['rollout'])

const answers = (steps: readonly Strategy[]): readonly (string | null)[] =>
  BUCKETS.map((bucket) => {
    const step = steps.find((candidate) => bucket <= shareIn(candidate))
    return step === undefined ? null : phaseIn(step)
  })

function orderOf(rungs: readonly Rung[]): readonly number[] | null {
  if (!rungs.some(isChanged)) return []
  const [old, fresh] = [answers(rungs.map(({ before }) => before)), answers(rungs.map(({ after }) => after))]
  if (old.includes(null) || fresh.includes(null)) return null
  const steps = rungs.map(({ before }) => before)
  const pending = new Set(rungs.flatMap((rung, place) => (isChanged(rung) ? [place] : [])))
  const order: number[] = []
  while (pending.size > 0) {
    const place = [...pending].find((candidate) => {
      const tried = answers(steps.with(candidate, (rungs[candidate] as Rung).after))
      return tried.every((phase, bucket) => phase === old[bucket] || phase === fresh[bucket])
    })
    if (place === undefined) return null
    steps[place] = (rungs[place] as Rung).after
    pending.delete(place)
    order.push((rungs[place] as Rung).index)
  }
  return order
}
