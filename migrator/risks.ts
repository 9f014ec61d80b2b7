import type { Capabilities, RefusalReason, Store, UnknownReason } from '../backends/store.ts'
import { SIDES, type Side } from '../core/side.ts'
import type { Known } from './plan.ts'

export interface RiskFacts extends Known {
  readonly stores: Readonly<Record<Side, Store>>
  /** Why the store cannot be used just now; null: it answers. */
  readonly silence: Readonly<Record<Side, Silence | null>>
}

export type Silence = RefusalReason | UnknownReason

/** One rule a row: a sentence when it applies. */
const RISKS: readonly ((facts: RiskFacts) => string | null)[] = [
  ({ stores, silence }) => {
    const silent = SIDES.filter((side) => silence[side] !== null && silence[side] !== 'denied')
    return silent.length > 0 ? `does not answer now: ${silent.map((side) => stores[side].name).join(', ')}` : null
  },
  ({ stores, silence }) => {
    const denied = SIDES.filter((side) => silence[side] === 'denied').map((side) => stores[side].name)
    return denied.length > 0
      ? `answers, and denies it: ${denied.join(', ')}; crossfade config check --connect says which right is missing`
      : null
  },
  ({ state }) =>
    state === 'bare' || state === 'enrolling' || state === 'enrolled'
      ? null
      : `the integration is ${state}: it can neither be enrolled nor be copied from there`,
  ({ names }) =>
    (names.new?.names ?? 0) > 0
      ? `new lists ${names.new?.names} names already: a value there that differs from legacy is quarantined as foreign, never overwritten`
      : null,
  ({ counts }) =>
    (counts?.quarantined ?? 0) > 0 ? `${counts?.quarantined} secrets are in quarantine and stay where they are` : null,
  ({ stores }) => {
    const unsafe = SIDES.map((side) => stores[side]).filter(isUnbounded)
    return unsafe.length > 0
      ? `${unsafe.map((s) => s.name).join(', ')} can neither compare versions nor refuse late requests: a put that timed out may land later`
      : null
  },
  ({ stores }) =>
    stores.legacy.capabilities.versions.has
      ? null
      : `${stores.legacy.name} keeps no versions: a write that bypassed the proxy cannot be told from corruption`,
  ({ stores }) => lossOf(stores.legacy.capabilities, stores.new.capabilities),
  ({ kind }) =>
    kind === 'reverse'
      ? 'under complete new writes go to new alone, and are owed to legacy again: go back to rampdown or live first'
      : null,
]

export const risksOf = (facts: RiskFacts): readonly string[] =>
  RISKS.map((rule) => rule(facts)).filter((risk): risk is string => risk !== null)

const isUnbounded = ({ capabilities }: Store): boolean => !capabilities.fence.has && !capabilities.bound.has

/** What legacy can hold and new cannot: such secrets will be quarantined, never changed. */
function lossOf(legacy: Capabilities, fresh: Capabilities): string | null {
  const lost = [
    legacy.contentType.has && !fresh.contentType.has ? 'content types' : null,
    legacy.metadata.has && !fresh.metadata.has ? 'custom metadata' : null,
    legacy.values !== fresh.values && fresh.values !== 'bytes' ? `values that are not ${fresh.values}` : null,
    legacy.maxSize > fresh.maxSize ? `values of more than ${fresh.maxSize} bytes` : null,
  ].filter((what) => what !== null)
  return lost.length > 0 ? `new cannot hold: ${lost.join(', ')}; such secrets are quarantined` : null
}
