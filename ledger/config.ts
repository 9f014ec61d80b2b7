import { z } from 'zod'
import { postgresUrlSchema } from '../backends/sql/config.ts'
import { durationSchema } from '../core/units.ts'
import { withoutSecret } from '../core/url-secrets.ts'

/** The section `ledger` of the configuration. */
export const ledgerSection = z.strictObject({
  url: postgresUrlSchema.describe('postgres:// address of the ledger, without a password'),
  password_file: z
    .string()
    .optional()
    .describe('file that holds the password of the ledger role; read again for each new connection'),
  fingerprint_key_file: z
    .string()
    .describe('32 random bytes or more; never in a database; destroyed at the end of the migration'),
  max_connections: z.int().min(2).max(200).default(10),
  operation_lease: durationSchema.prefault('5s').describe('how long an operation may stay open'),
  replica_lease: durationSchema
    .prefault('3s')
    .describe(
      'how long a replica may serve from memory without renewing; shorter than operation_lease, so that a write outlives the wait for a silent replica',
    ),
  statement_timeout: durationSchema.prefault('2s').describe('after it the ledger is taken for unavailable'),
  caps_file: z
    .string()
    .min(1)
    .optional()
    .describe(
      'where a rollback waits that the ledger could not take, so that it outlives this process; other replicas keep it, too',
    ),
  when_down: z
    .strictObject({ reads: z.enum(['proven', 'unproven']).default('proven') })
    .prefault({})
    .describe('what a read does whose freshness cannot be proven'),
})
export type LedgerSection = z.output<typeof ledgerSection>

/** The section `bus` of the configuration; left out, one process serves alone. */
export const busSection = z
  .strictObject({
    url: withoutSecret(
      z.string().regex(/^rediss?:\/\/[^/]+/, 'expected redis://HOST:PORT or rediss://HOST:PORT'),
    ).describe('redis:// or rediss:// address, without a password'),
    password_file: z
      .string()
      .optional()
      .describe('file that holds the password of the Redis user; read again for each new connection'),
    prefix: z
      .string()
      .regex(/^[a-z0-9][a-z0-9:._-]*$/i, 'expected letters, digits and : . _ -')
      .default('crossfade')
      .describe('of the channel; the ledger adds its own name, so that two ledgers may share a Redis'),
    patience: durationSchema
      .prefault('500ms')
      .describe('how long a write waits for a replica to acknowledge before it takes the lease of that replica away'),
    heartbeat: durationSchema
      .prefault('500ms')
      .describe('how often a replica proves that it hears; two beats that stay out make it ask the ledger'),
  })
  .describe('Redis, by which several processes tell each other of debts; left out: one process alone.')
export type BusSection = z.output<typeof busSection>
