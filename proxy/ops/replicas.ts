import { z } from 'zod'
import { count, integrationName, reason } from './words.ts'

export const replicaName = z.string().min(1).max(300)

export const replicaSchema = z.strictObject({
  name: replicaName,
  state: z
    .enum(['live', 'deaf', 'gone'])
    .describe('deaf: it lives, but hears no messages and asks the ledger on each read. gone: no sign of life.'),
  silent_seconds: count.describe('Since its last sign of life.'),
  behind: z.array(integrationName).describe('Integrations whose latest state it has not put into effect.'),
  differs: z.array(z.string()).default([]).describe('In what it runs something else than the one that answers.'),
  self: z.boolean().describe('It is the one that answers.'),
})
export const replicasAnswer = z.strictObject({ replicas: z.array(replicaSchema) })

export const forgetReplicaBody = z.strictObject({
  name: replicaName,
  reason: reason.optional().describe('Needed with execute.'),
  execute: z.boolean().default(false).describe('false: only say what would happen.'),
})
export const forgetReplicaAnswer = z.strictObject({ executed: z.boolean(), replica: replicaSchema })

export type ShownReplica = z.infer<typeof replicaSchema>
export type ForgetReplica = z.infer<typeof forgetReplicaBody>
export type ForgetReplicaResult = z.infer<typeof forgetReplicaAnswer>
