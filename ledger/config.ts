import { z } from 'zod'
import { durationSchema } from '../core/units.ts'

/** The section `ledger` of the configuration. */
export const ledgerSection = z.strictObject({
  url: z.string().describe('postgres:// address of the ledger, without a password'),
  password_file: z.string().optional().describe('file that holds the password of the ledger role'),
  fingerprint_key_file: z
    .string()
    .describe('32 random bytes or more; never in a database; destroyed at the end of the migration'),
  max_connections: z.int().min(2).max(200).default(10),
  operation_lease: durationSchema.prefault('5s').describe('how long an operation may stay open'),
  replica_lease: durationSchema.prefault('10s').describe('how long a replica may serve from memory without renewing'),
  statement_timeout: durationSchema.prefault('2s').describe('after it the ledger is taken for unavailable'),
  when_down: z
    .strictObject({ reads: z.enum(['proven', 'unproven']).default('proven') })
    .prefault({})
    .describe('what a read does whose freshness cannot be proven'),
})
export type LedgerSection = z.output<typeof ledgerSection>
