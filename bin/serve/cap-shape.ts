import { createHash } from 'node:crypto'
import { z } from 'zod'
import { CAP_KINDS, type Cap, type CapKey } from '../../flags/caps.ts'
import { evidenceSchema } from '../../flags/guard/judge.ts'
import { PHASES } from '../../flags/phase.ts'

/** A cap as it travels: over the bus, and in the file beside. */
const capShape = z.object({
  integration: z.string(),
  cohort: z.string().nullable(),
  kind: z.enum(CAP_KINDS),
  phase: z.enum(PHASES),
  reason: z.string(),
  by: z.string(),
  at: z.number(),
  evidence: evidenceSchema.exactOptional(),
})

/** Those that are caps; the rest is of another version, and left out. */
export const readCaps = (given: readonly unknown[]): readonly Cap[] =>
  given.flatMap((cap) => {
    const parsed = capShape.safeParse(cap)
    return parsed.success ? [parsed.data] : []
  })

/** One cap of each kind for one scope. */
export const keyOf = ({ kind, integration, cohort }: CapKey): string => JSON.stringify([kind, integration, cohort])

/** This very cap: whoever writes it, it is made durable once. A digest, since an index does not hold a reason of any length. */
export const identityOf = (cap: Cap): string =>
  createHash('sha256')
    .update(JSON.stringify([keyOf(cap), cap.phase, cap.by, cap.at, cap.reason]))
    .digest('base64url')
