import type { Feature, Strategy } from '../definition.ts'
import { phaseOf } from '../engine.ts'
import { isStep, type LadderEdit, STICKINESS, writeLadder } from '../ladder.ts'
import type { Wanted } from './wanted.ts'

/*
 * What the flag becomes when the file is applied. Pins of single customers above the ladder were put there by a person in
 * Unleash, where such exceptions belong, and stay. Anything else that is no step of a ladder is foreign: nobody here knows
 * what it was meant for, so it is refused, unless the file shall take the flag over.
 */

export interface ReconcileOptions {
  /** Replace what is foreign. */
  readonly takeOver: boolean
}

export const reconcile = (held: Feature | null, wanted: Wanted, { takeOver }: ReconcileOptions): LadderEdit => {
  const { integration, ladder } = wanted
  const strategies = held?.strategies ?? []
  const steps = strategies.findIndex((strategy) => !isCustomerPin(strategy))
  const pins = steps < 0 ? strategies : strategies.slice(0, steps)
  const foreign = held === null ? null : foreignIn(held, strategies.slice(pins.length), integration)
  if (foreign !== null && !takeOver) return { kind: 'refused', detail: foreign }
  const feature = writeLadder({ ...ladder, integration, pins })
  return { kind: 'edited', feature: { ...feature, enabled: held?.enabled ?? true } }
}

function foreignIn(held: Feature, below: readonly Strategy[], integration: string): string | null {
  const strange = below.find((strategy) => !isStep(strategy, integration))
  if (strange !== undefined) {
    const place = `strategy ${held.strategies.indexOf(strange) + 1} (${strange.title || strange.name})`
    if (isCustomerPin(strange)) return `${place} is a pin of customers below a step; pins stand above all steps`
    return `${place} is neither a step of a ladder nor a pin of customers`
  }
  if (held.dependencies.length > 0) return `it depends on ${held.dependencies.map(({ feature }) => feature).join(', ')}`
  return held.variants.length > 0 ? 'it has variants of the whole flag' : null
}

/** Single customers, named by a segment or by themselves, all of them at one phase. */
const isCustomerPin = ({ name, constraints, segments, parameters, variants }: Strategy): boolean =>
  name === 'flexibleRollout' &&
  Number(parameters['rollout']) === 100 &&
  (segments.length > 0 || constraints.some(({ contextName }) => contextName === STICKINESS)) &&
  variants.length === 1 &&
  phaseOf(variants[0]?.payload) !== null
