import fc from 'fast-check'
import type { Mutant } from './mutants.ts'
import { type Fixed, scenarios } from './scenario.ts'
import { type Mutation, simulate } from './simulate.ts'

export interface Proof {
  readonly runs: number
  readonly steps: number
  readonly violations: number
  readonly seed: number
  /** The shortest story that was found of a violation; null when there is none. */
  readonly failure: { readonly violation: string; readonly path: string; readonly story: readonly string[] } | null
}

export interface ProofOptions {
  readonly runs: number
  readonly seed: number
  readonly mutation?: Mutation
  readonly fixed?: Fixed
  /** Shrinking a failure takes many more runs; a mutant only has to be found. */
  readonly shrink?: boolean
  readonly onRun?: (runs: number) => void
}

/** Runs the real code through `runs` random worlds. The same seed gives the same worlds. */
export async function prove({
  runs,
  seed,
  mutation = {},
  fixed = {},
  shrink = true,
  onRun,
}: ProofOptions): Promise<Proof> {
  let done = 0
  let steps = 0
  const property = fc.asyncProperty(scenarios(fixed), async (world) => {
    const outcome = await simulate(world, mutation)
    done += 1
    steps += outcome.steps
    onRun?.(done)
    if (outcome.violation !== null) throw outcome.violation
  })
  const details = await fc.check(property, { numRuns: runs, seed, endOnFailure: !shrink })
  if (!details.failed) return { runs: done, steps, violations: 0, seed, failure: null }
  const [world] = details.counterexample ?? []
  const told = world === undefined ? null : await simulate(world, mutation)
  return {
    runs: done,
    steps,
    violations: 1,
    seed,
    failure: {
      violation: told?.violation?.message ?? String(details.errorInstance),
      path: details.counterexamplePath ?? '',
      story: told?.story ?? [],
    },
  }
}

export interface Break {
  readonly name: string
  readonly breaks: string
  readonly found: boolean
  /** Runs until it was found, or all that were made. */
  readonly runs: number
  readonly violation: string | null
}

/** The most common mutants are found in the first ten runs; the rarest needed about 3,000 (measured over four seeds). */
const MUTANT_RUNS = 40_000

/** Whether the simulation notices that a rule is missing. */
export async function findBreak(name: string, mutant: Mutant, seed: number): Promise<Break> {
  const { runs, failure } = await prove({
    runs: MUTANT_RUNS,
    seed,
    mutation: mutant,
    fixed: mutant.fixed ?? {},
    shrink: false,
  })
  return { name, breaks: mutant.breaks, found: failure !== null, runs, violation: failure?.violation ?? null }
}
