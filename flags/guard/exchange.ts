import { z } from 'zod'
import { BINS } from './bins.ts'
import type { SeenMismatch } from './judge.ts'
import { makeTallies, type Tallies, type Tally } from './window.ts'

/*
 * What a replica saw since its last message, for the others to add to their own. A message that is lost costs samples; one
 * that comes twice or late is known by its number, and dropped.
 */

export interface Share {
  readonly integration: string
  readonly cohort: string
  readonly tallies: Tallies
  readonly mismatches: readonly (SeenMismatch & { readonly key: string })[]
}

const count = z.int().min(0)
const tally = z.object({
  calls: count,
  errors: count,
  /** Pairs of a bin and its samples; most bins are empty. */
  reads: z
    .array(
      z.tuple([
        z
          .int()
          .min(0)
          .max(BINS - 1),
        count,
      ]),
    )
    .max(BINS),
})
const share = z.object({
  integration: z.string(),
  cohort: z.string(),
  legacy: tally,
  new: tally,
  mismatches: z.array(z.object({ key: z.string(), id: z.string().nullable(), class: z.string() })),
})

const packed = ({ calls, errors, reads }: Tally) => ({
  calls,
  errors,
  reads: [...reads.entries()].filter(([, n]) => n > 0),
})

export const packShare = ({ integration, cohort, tallies, mismatches }: Share): unknown => ({
  integration,
  cohort,
  legacy: packed(tallies.legacy),
  new: packed(tallies.new),
  mismatches,
})

/** Null for what is none: an older or a newer replica. */
export function unpackShare(given: unknown): Share | null {
  const parsed = share.safeParse(given)
  if (!parsed.success) return null
  const tallies = makeTallies()
  for (const side of ['legacy', 'new'] as const) {
    const { calls, errors, reads } = parsed.data[side]
    Object.assign(tallies[side], { calls, errors })
    for (const [bin, n] of reads) tallies[side].reads[bin] = n
  }
  const { integration, cohort, mismatches } = parsed.data
  return { integration, cohort, tallies, mismatches }
}
