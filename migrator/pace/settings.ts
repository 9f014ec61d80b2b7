import { z } from 'zod'
import type { MigratorSection } from '../config.ts'
import type { PaceLimits } from './pace.ts'

/** The pace that an integration is asked for: of all processes together, but for the passes at once. */
export interface PaceSettings extends PaceLimits {
  /** Slows down for clients and stores. */
  readonly adaptive: boolean
}

/** What an operator sets of it, and what the ledger keeps; the configuration says the rest. */
export const paceChange = z.strictObject({
  rate: z
    .union([z.number().min(0.1).max(1_000_000), z.literal('none')])
    .optional()
    .describe('Secrets a second at most, all processes together.'),
  concurrency: z.int().min(1).max(64).optional().describe('Passes at once, in each process.'),
  adaptive: z.boolean().optional().describe("Slow down for clients' latency and for the stores."),
})
export type PaceChange = z.output<typeof paceChange>

export function settingsOf(section: MigratorSection, set: PaceChange | undefined): PaceSettings {
  const rate = set?.rate ?? section.pace.rate
  return {
    rate: rate === 'none' ? null : rate,
    concurrency: set?.concurrency ?? section.concurrency,
    adaptive: set?.adaptive ?? section.pace.adaptive,
  }
}
