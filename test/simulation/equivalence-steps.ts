import fc from 'fast-check'
import type { Side } from '../../core/side.ts'
import {
  type FinishOutcome,
  INTEGRATION_STATES,
  type IntegrationState,
  type SettleResult,
  type WritePlan,
} from '../../ledger/ledger.ts'

/*
 * The steps of one sequence, drawn by fast-check. A step names an operation by how many were begun (or claimed) after
 * it: 0 is the latest. So a sequence stays meaningful when fast-check takes steps out of it. Time passes by `TICK` with
 * every step, and a step that does nothing is the simplest of all.
 */

/** ms between two steps. */
export const TICK = 1000

/** The secrets of a sequence: two, so that a claim has a choice. */
export const NAMES = ['a', 'b'] as const
export type Name = (typeof NAMES)[number]

export interface Beginning {
  readonly name: Name
  readonly plan: WritePlan
  readonly expect: string | null
  readonly needsQuiet: boolean
  /** `absent` is a delete. */
  readonly fingerprint: string
  readonly lease: number
}

export type Step =
  | { readonly kind: 'nothing' }
  /** All in one batch; `twice`: each is sent two times. */
  | { readonly kind: 'begin'; readonly writes: readonly Beginning[]; readonly twice: boolean }
  | { readonly kind: 'begin-again'; readonly latest: number }
  | {
      readonly kind: 'finish'
      readonly latest: number
      readonly outcome: FinishOutcome
      readonly versions: Partial<Readonly<Record<Side, string>>>
      /** Counted from the row's own `seq`. */
      readonly knownSeq: number | null
    }
  | { readonly kind: 'finish-stranger'; readonly name: Name }
  | {
      readonly kind: 'claim'
      readonly source: Side | null
      readonly only: Name | null
      /** Never-copied secrets only, from the first or after this one. */
      readonly neverCopied: { readonly after: Name | null } | null
      readonly limit: number
      readonly lease: number
    }
  | { readonly kind: 'settled'; readonly latest: number; readonly result: SettleResult }
  | { readonly kind: 'known'; readonly name: Name; readonly seq: number }
  | { readonly kind: 'become'; readonly next: IntegrationState }
  /** The inventory finds the name on this side. */
  | { readonly kind: 'see'; readonly name: Name; readonly side: Side }
  | { readonly kind: 'accept' }

export interface Sequence {
  readonly start: IntegrationState
  readonly steps: readonly Step[]
}

const often = <T>(...choices: readonly (readonly [weight: number, value: T])[]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })))

const name = often<Name>([4, 'a'], [1, 'b'])
const fingerprint = fc.constantFrom('x', 'y', 'absent')
const latest = often([6, 0], [3, 1], [1, 2], [1, 3])
const plan = fc.constantFrom<WritePlan>(
  { first: 'legacy', second: null },
  { first: 'legacy', second: 'new' },
  { first: 'new', second: 'legacy' },
  { first: 'new', second: null },
)
// Over before it began, over at the next step, still open then but at its very end, and so on.
const lease = often([6, 3_600_000], [2, 5 * TICK], [1, 2 * TICK], [2, TICK], [1, 0], [1, -1])
const versions = fc.constantFrom<Partial<Readonly<Record<Side, string>>>>(
  {},
  { legacy: 'l1' },
  { new: 'n1' },
  { legacy: 'l2', new: 'n2' },
)

const beginning: fc.Arbitrary<Beginning> = fc.record({
  name,
  plan,
  expect: often([8, null], [1, 'x'], [1, 'y'], [1, 'absent']),
  needsQuiet: often([5, false], [1, true]),
  fingerprint,
  lease,
})

const result: fc.Arbitrary<SettleResult> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('equal' as const), fingerprint, versions }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'later', reason: 'refused' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('quarantine' as const),
      reason: fc.constantFrom('corrupt', 'missing', 'foreign'),
      current: often<string | null>([1, null], [1, 'x'], [1, 'absent']),
    }),
  },
)

const twice = often([9, false], [1, true])
const begin = fc.record({ kind: fc.constant('begin' as const), writes: fc.tuple(beginning), twice })
const finish = fc.record({
  kind: fc.constant('finish' as const),
  latest,
  outcome: often<FinishOutcome>([4, 'clean'], [2, 'debt'], [1, 'debt-open'], [2, 'failed']),
  versions,
  knownSeq: often([3, null], [1, 0], [1, 1], [1, -1]),
})
const claim = fc.record({
  kind: fc.constant('claim' as const),
  source: often<Side | null>([3, null], [1, 'legacy'], [1, 'new']),
  only: often<Name | null>([3, null], [1, 'a'], [1, 'b']),
  neverCopied: often<{ readonly after: Name | null } | null>([3, null], [1, { after: null }], [1, { after: 'a' }]),
  limit: fc.constantFrom(1, 2),
  lease,
})
const settled = fc.record({ kind: fc.constant('settled' as const), latest, result })

const see = fc.record({ kind: fc.constant('see' as const), name, side: fc.constantFrom<Side>('legacy', 'new') })

const SINGLE: readonly (readonly [weight: number, step: fc.Arbitrary<Step>])[] = [
  [1, fc.constant({ kind: 'nothing' })],
  [10, begin],
  [
    2,
    fc.record({
      kind: fc.constant('begin' as const),
      writes: fc.tuple(beginning, beginning),
      twice: fc.constant(false),
    }),
  ],
  [1, fc.record({ kind: fc.constant('begin-again' as const), latest })],
  [10, finish],
  [1, fc.record({ kind: fc.constant('finish-stranger' as const), name })],
  [5, claim],
  [5, settled],
  [1, fc.record({ kind: fc.constant('known' as const), name, seq: often([3, 0], [1, -1]) })],
  [2, see],
  [1, fc.constant({ kind: 'accept' })],
  [1, fc.record({ kind: fc.constant('become' as const), next: fc.constantFrom(...INTEGRATION_STATES) })],
]

// Whole writes and settles too: chance alone seldom leaves a row on which both sides are fresh.
const whole = (first: fc.Arbitrary<Step>, second: fc.Arbitrary<Step>): fc.Arbitrary<readonly Step[]> =>
  fc.tuple(first, second)

const some: fc.Arbitrary<readonly Step[]> = fc.oneof(
  ...SINGLE.map(([weight, step]) => ({ weight, arbitrary: fc.tuple(step) })),
  {
    weight: 6,
    arbitrary: whole(
      begin.map((step) => ({
        ...step,
        writes: step.writes.map((write) => ({ ...write, expect: null, needsQuiet: false, lease: 5 * TICK })),
      })),
      finish.map((step) => ({ ...step, latest: 0 })),
    ),
  },
  {
    weight: 3,
    arbitrary: whole(
      claim.map((step) => ({ ...step, lease: 5 * TICK })),
      settled.map((step) => ({ ...step, latest: 0 })),
    ),
  },
)

const foreign: fc.Arbitrary<SettleResult> = fc.record({
  kind: fc.constant('quarantine' as const),
  reason: fc.constant('foreign' as const),
  current: fc.constantFrom(null, 'x', 'absent'),
})

/** A claim of the first secret and what came of it, accepted or not. */
const judged: fc.Arbitrary<readonly Step[]> = fc
  .tuple(claim, fc.oneof(result, foreign), fc.boolean())
  .map(([claiming, found, accepted]) => [
    { ...claiming, only: 'a' as const, source: null, neverCopied: null, lease: 5 * TICK },
    { kind: 'settled' as const, latest: 0, result: found },
    { kind: accepted ? ('accept' as const) : ('nothing' as const) },
  ])

/** How the first secret stands when a sequence begins: foreign, deleted or never copied, each once and together. */
const KNOWN: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: see.map((step) => [{ ...step, name: 'a' as const }]) },
  {
    weight: 2,
    arbitrary: fc.tuple(see, judged).map(([seen, rest]) => [{ ...seen, name: 'a' as const }, ...rest]),
  },
)

export const sequences: fc.Arbitrary<Sequence> = fc.record({
  start: often<IntegrationState>([20, 'enrolled'], [1, 'enrolling'], [1, 'finalizing'], [1, 'abandoning'], [1, 'bare']),
  steps: fc
    .tuple(KNOWN, fc.array(some, { minLength: 1, maxLength: 20, size: 'max' }))
    .map(([known, parts]) => [...known, ...parts.flat()]),
})
