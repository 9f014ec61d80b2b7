import type { Feature, Strategy, Variant } from './definition.ts'

/*
 * Unleash answers at random where it finds nothing to be sticky on: `default` and `random` stickiness without a user or
 * session, several variants without a stickiness of their own, gradualRolloutRandom (measured: 97 of 200 calls one way,
 * 103 the other). Two replicas, or two requests, would then disagree about one customer, so such a flag is not used.
 */

const STICKY_ON_NOTHING = ['default', 'random', '', undefined, null] as const

const isRandom = (stickiness: unknown): boolean => STICKY_ON_NOTHING.some((name) => name === stickiness)

const picksAtRandom = (variants: readonly Variant[], fallback: unknown): boolean =>
  variants.filter((variant) => variant.weight > 0).length > 1 && isRandom(variants[0]?.stickiness || fallback)

function strategyRandomness(strategy: Strategy): string | null {
  if (strategy.name === 'gradualRolloutRandom') return 'gradualRolloutRandom decides by chance'
  // Not by chance, but two replicas would disagree all the same.
  if (strategy.name === 'applicationHostname') return 'applicationHostname decides by the machine'
  const { rollout, stickiness } = strategy.parameters
  const partial = Number(rollout) > 0 && Number(rollout) < 100
  if (strategy.name === 'flexibleRollout' && partial && isRandom(stickiness)) {
    return `a rollout of ${String(rollout)} % is not sticky on customerId`
  }
  return picksAtRandom(strategy.variants, stickiness) ? 'several variants are not sticky on customerId' : null
}

/** Why the flag would answer differently for the same customer from call to call, or null. */
export const randomness = (feature: Feature): string | null => {
  for (const [index, strategy] of feature.strategies.entries()) {
    const detail = strategyRandomness(strategy)
    if (detail !== null) return `strategy ${index + 1} of ${feature.name}: ${detail}`
  }
  return picksAtRandom(feature.variants, undefined)
    ? `${feature.name}: several variants are not sticky on customerId`
    : null
}
