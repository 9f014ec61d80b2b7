import { EventEmitter } from 'node:events'
import { Unleash, type UnleashConfig } from 'unleash-client'
import type { FlagDefinition, Segment, Variant } from './definition.ts'
import { isPhase, type Phase } from './phase.ts'

/*
 * Flags are evaluated by unleash-client itself, so that a ladder means here what it means in Unleash. The client is given
 * a repository of our own that lends it one definition at a time: evaluation is synchronous, nothing is fetched, no timer
 * runs, and a remembered definition is evaluated by the same code as a fresh one.
 *
 * The client does not say which strategy matched, but hands on the variant's payload object itself; every parsed payload
 * is an object of its own, so its identity names the strategy.
 */

/** All that a flag may ask about: a decision can be cached until the flags change or a date in them passes. */
export interface FlagContext {
  readonly customerId: string
  readonly cohort: string
  readonly integration: string
}

export const CONTEXT_FIELDS = ['customerId', 'cohort', 'integration'] as const

export interface MatchedStrategy {
  /** From 0, in the order of the flag. */
  readonly index: number
  readonly title: string | null
}

export type Evaluation =
  | { readonly kind: 'phase'; readonly phase: Phase; readonly matched: MatchedStrategy | null }
  /** No strategy matched (a parent flag that is not satisfied included), or the one that did names no known phase. */
  | { readonly kind: 'none'; readonly why: 'no-strategy-matched' | 'no-phase-in-payload' | 'evaluation-failed' }

interface Answer {
  readonly phase: Phase | null
  readonly matched: MatchedStrategy | null
}

/** A definition made ready: what each payload means, and when time alone changes the answer. */
export interface CompiledFlag {
  readonly definition: FlagDefinition
  /** Every date in its constraints, ascending, ms since the epoch. */
  readonly dates: readonly number[]
  readonly answers: ReadonlyMap<object, Answer>
}

export interface Engine {
  /** What the flag says for this customer at the time `at` (ms since the epoch). Never throws. */
  evaluate(flag: CompiledFlag, context: FlagContext, at: number): Evaluation
}

/** The phase that a variant's payload names: JSON with `phase`, or the bare name as a string. */
export const phaseOf = (payload: Variant['payload']): Phase | null => {
  if (payload === undefined) return null
  if (payload.type === 'string') return isPhase(payload.value) ? payload.value : null
  try {
    const { phase } = (JSON.parse(payload.value) ?? {}) as { phase?: unknown }
    return isPhase(phase) ? phase : null
  } catch {
    return null
  }
}

export const compileFlag = (definition: FlagDefinition): CompiledFlag => {
  const { feature } = definition
  const answers = new Map<object, Answer>()
  const add = (variants: readonly Variant[], matched: MatchedStrategy | null) => {
    for (const { payload } of variants) if (payload) answers.set(payload, { phase: phaseOf(payload), matched })
  }
  for (const [index, strategy] of feature.strategies.entries()) {
    add(strategy.variants, { index, title: strategy.title ?? null })
  }
  add(feature.variants, null)
  return { definition, dates: datesOf(definition), answers }
}

function datesOf({ feature, parents, segments }: FlagDefinition): number[] {
  const constraints = [
    ...[feature, ...parents].flatMap(({ strategies }) => strategies.flatMap((strategy) => strategy.constraints)),
    ...segments.flatMap((segment) => segment.constraints),
  ]
  const dates = constraints
    .filter(({ operator }) => operator === 'DATE_AFTER' || operator === 'DATE_BEFORE')
    .map(({ value }) => new Date(value ?? '').getTime())
  return [...new Set(dates.filter((date) => !Number.isNaN(date)))].sort((a, b) => a - b)
}

type Repository = NonNullable<UnleashConfig['repository']>
type Lent = ReturnType<Repository['getToggle']>

/** The repository that the client reads: whatever definition is lent to it for the call. */
class LendingShelf extends EventEmitter {
  #lent: FlagDefinition | null = null

  lend(definition: FlagDefinition): void {
    this.#lent = definition
  }

  getToggle(name: string): Lent {
    const features = this.#lent ? [this.#lent.feature, ...this.#lent.parents] : []
    return features.find((feature) => feature.name === name) as Lent
  }

  getSegment(id: number): ReturnType<Repository['getSegment']> {
    return this.#lent?.segments.find((segment: Segment) => segment.id === id) as ReturnType<Repository['getSegment']>
  }

  getToggles(): [] {
    return []
  }

  getTogglesWithSegmentData(): [] {
    return []
  }

  async start(): Promise<void> {}

  stop(): void {}
}

const OFFLINE = {
  appName: 'crossfade',
  url: 'http://127.0.0.1/never-asked',
  disableAutoStart: true,
  disableMetrics: true,
  skipInstanceCountWarning: true,
} as const satisfies UnleashConfig

/** The evaluation engine of unleash-client, without its network, timers and backup files. */
export const makeEngine = (): Engine => {
  const shelf = new LendingShelf()
  const unleash = new Unleash({ ...OFFLINE, repository: shelf })
  // Until its repository says so the client answers every question with `disabled`.
  shelf.emit('ready')
  const ask = (flag: CompiledFlag, context: FlagContext, at: number): Evaluation => {
    shelf.lend(flag.definition)
    const properties = { ...context }
    const variant = unleash.getVariant(flag.definition.feature.name, { properties, currentTime: new Date(at) })
    if (!variant.feature_enabled) return { kind: 'none', why: 'no-strategy-matched' }
    const answer = variant.payload && flag.answers.get(variant.payload)
    return answer?.phase ? { kind: 'phase', phase: answer.phase, matched: answer.matched } : NO_PHASE
  }
  return {
    evaluate: (flag, context, at) => {
      // Without a customer the client would pick at random.
      if (context.customerId === '') return { kind: 'none', why: 'evaluation-failed' }
      if (!flag.definition.feature.enabled) return { kind: 'phase', phase: 'off', matched: null }
      try {
        return ask(flag, context, at)
      } catch {
        return { kind: 'none', why: 'evaluation-failed' }
      }
    },
  }
}

const NO_PHASE: Evaluation = { kind: 'none', why: 'no-phase-in-payload' }
