import { z } from 'zod'
import { type FlagDefinition, featureSchema, segmentSchema } from './definition.ts'

/*
 * The last known phase of a customer is not stored as such: there may be millions. What is stored is the definition that
 * gave it, one record an integration, so that anybody's last known phase can be worked out from it, by the same engine.
 *
 * A definition need not match everybody. So a record is a short history, newest first, which ends at a definition that
 * answers for every customer: whoever the newest leaves out is looked up in the one before.
 */

/** A definition and when it took effect, ms since the epoch. */
export interface AcceptedFlag {
  readonly definition: FlagDefinition
  readonly from: number
}

/** What is remembered of one integration; plain JSON, a few KiB. */
export interface PhaseRecord {
  readonly integration: string
  /** Newest first; never empty. */
  readonly flags: readonly AcceptedFlag[]
}

/** The shape of a stored record; what does not fit was written by another version, and must not be guessed at. */
export const phaseRecordSchema = z.object({
  integration: z.string(),
  flags: z
    .array(
      z.object({
        definition: z.object({
          feature: featureSchema,
          segments: z.array(segmentSchema),
          parents: z.array(featureSchema),
        }),
        from: z.number(),
      }),
    )
    .min(1),
})

/** Where accepted definitions outlive a restart. Implementations keep one record an integration, the last one given. */
export interface PhaseMemory {
  /** Every record. Rejects when it cannot be known what is remembered: the caller must not start from nothing then. */
  load(): Promise<readonly PhaseRecord[]>
  /** Replaces the records of these integrations; resolves once they are durable, all of them. */
  remember(records: readonly PhaseRecord[]): Promise<void>
}

/** A memory that lives as long as the process: for tests, and for nothing else. */
export const makeVolatileMemory = (records: readonly PhaseRecord[] = []): PhaseMemory => {
  const kept = new Map(records.map((record) => [record.integration, structuredClone(record)]))
  return {
    load: async () => structuredClone([...kept.values()]),
    remember: async (changed) => {
      for (const record of changed) kept.set(record.integration, structuredClone(record))
    },
  }
}

/** Every record, checked. Rejects also if one is of another shape. */
export const rememberedFlags = async (memory: PhaseMemory): Promise<readonly PhaseRecord[]> =>
  z.array(phaseRecordSchema).parse(await memory.load())
