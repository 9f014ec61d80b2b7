import type { Feature, Strategy } from '../definition.ts'
import { phaseOf } from '../engine.ts'
import { type LadderEdit, type LadderReading, readLadder, STICKINESS, writeLadder } from '../ladder.ts'
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
  const reading: LadderReading = held === null ? NEW : readLadder(held, integration)
  const foreign = reading.kind === 'other' ? reading.detail : foreignIn(held, reading.ladder.pins)
  if (foreign !== null && !takeOver) return { kind: 'refused', detail: foreign }
  const pins = reading.kind === 'ladder' ? reading.ladder.pins.filter(isCustomerPin) : []
  const feature = writeLadder({ ...ladder, integration, pins })
  return { kind: 'edited', feature: { ...feature, enabled: held?.enabled ?? true } }
}

const NEW: LadderReading = {
  kind: 'ladder',
  ladder: { integration: '', pins: [], cohorts: new Map(), rest: [] },
}

function foreignIn(held: Feature | null, pins: readonly Strategy[]): string | null {
  const strange = pins.find((pin) => !isCustomerPin(pin))
  if (strange !== undefined) {
    const place = (held?.strategies.indexOf(strange) ?? 0) + 1
    return `strategy ${place} (${strange.title || strange.name}) is neither a step of a ladder nor a pin of customers`
  }
  if (held === null) return null
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
