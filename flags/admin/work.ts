import { type Feature, flagName } from '../definition.ts'
import type { Ask, Look } from '../desk.ts'
import { withoutLeftovers } from '../ladder.ts'
import type { HeldFlag } from './api.ts'
import { planStrategies, type StrategyCall } from './plan.ts'

/*
 * What is to be done to one flag. Its steps first, while it is as it was; then what stands around them (a parent, variants
 * of the whole flag, which steps with variants of their own overrule); switched on last, when what it will say is right.
 */

export type FlagCall =
  | StrategyCall
  | { readonly kind: 'make' }
  | { readonly kind: 'no-impressions' }
  | { readonly kind: 'no-parents' }
  | { readonly kind: 'no-variants' }
  | { readonly kind: 'switch'; readonly enabled: boolean }
  /** Takes the mark of a flag that is being made away. */
  | { readonly kind: 'made' }

/** Of a flag that is being made by an admin token: it is not switched on yet, which no operator has asked for. */
export const UNFINISHED = 'Being written by Crossfade; crossfade flags apply finishes it.'
export const FINISHED = 'A ladder of phases, written by Crossfade.'

export type Work =
  | Exclude<Look, { kind: 'differs' }>
  | (Extract<Look, { kind: 'differs' }> & { readonly calls: readonly FlagCall[] })

const NOTES: Readonly<Partial<Record<FlagCall['kind'], string>>> = {
  make: 'made',
  'no-impressions': 'impression data off: it would carry customer ids',
  'no-parents': 'its parent flags are taken away',
  'no-variants': 'variants of the whole flag are taken away',
}

export const isUnfinished = (held: HeldFlag): boolean => !held.enabled && held.description === UNFINISHED

/** As clients see it, which do not see what is switched off. */
export const featureOf = (integration: string, held: HeldFlag): Feature => ({
  name: flagName(integration),
  enabled: held.enabled || isUnfinished(held),
  strategies: held.strategies
    .filter(({ disabled }) => !disabled)
    .map(({ id: _, disabled: __, ...strategy }) => strategy),
  variants: held.variants,
  dependencies: held.dependencies,
})

export const workOn = ({ integration, edit }: Ask, held: HeldFlag | null): Work => {
  const before = held === null ? null : withoutLeftovers(featureOf(integration, held), integration)
  const edited = edit(before)
  if (edited.kind === 'refused') return edited
  const after = edited.feature
  const plan = planStrategies(held?.strategies ?? [], after.strategies)
  if (plan.kind === 'refused') return plan
  const calls = [...(held === null ? [MAKE] : []), ...around(held, after, plan.calls), ...ending(held, after)]
  if (calls.length === 0) return { kind: 'same', feature: after }
  const notes = calls.flatMap((call) =>
    call.kind === 'switch' ? [`switched ${onOff(call)}`] : (NOTES[call.kind] ?? []),
  )
  return { kind: 'differs', before, after, notes, calls }
}

const MAKE: FlagCall = { kind: 'make' }

const onOff = ({ enabled }: { readonly enabled: boolean }): string => (enabled ? 'on' : 'off')

function around(held: HeldFlag | null, after: Feature, steps: readonly StrategyCall[]): readonly FlagCall[] {
  const lost = (key: 'dependencies' | 'variants') => (held?.[key].length ?? 0) > 0 && after[key].length === 0
  return [
    ...(held?.impressionData ? [{ kind: 'no-impressions' } as const] : []),
    ...steps,
    ...(lost('dependencies') ? [{ kind: 'no-parents' } as const] : []),
    ...(lost('variants') ? [{ kind: 'no-variants' } as const] : []),
  ]
}

function ending(held: HeldFlag | null, after: Feature): readonly FlagCall[] {
  const isMarked = held === null || held.description === UNFINISHED
  return [
    ...((held?.enabled ?? false) === after.enabled ? [] : [{ kind: 'switch', enabled: after.enabled } as const]),
    ...(isMarked ? [{ kind: 'made' } as const] : []),
  ]
}
