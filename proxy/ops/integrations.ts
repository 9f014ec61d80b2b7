import { z } from 'zod'
import { count, integrationName, NOTHING, reason, state } from './words.ts'

/* Integrations as the ledger and the configuration know them. */

export const integrationSchema = z.strictObject({
  integration: integrationName,
  state,
  configured: z.boolean().describe('By the replica that answers. What the ledger holds must be.'),
  enrolled_with: z
    .strictObject({ legacy: z.string(), new: z.string(), value: z.string() })
    .nullable()
    .describe('Where both sides lay when it was enrolled, and the shape of its values; null: it is not enrolled.'),
})
export const integrationsAnswer = z.strictObject({ integrations: z.array(integrationSchema) })

export const renameBody = z.strictObject({
  integration: integrationName,
  to: integrationName,
  execute: z.boolean().default(false).describe('false: only say what would happen.'),
  reason: reason.optional().describe('Needed with execute.'),
})
export const renameAnswer = z.strictObject({
  executed: z.boolean(),
  state: state.describe('Of the integration; a finalized one is finalized by its new name, too.'),
  caps: count.describe('That go by the new name.'),
  kept_by: z
    .array(z.string())
    .describe('Live replicas that still have the old name, which keeps its own until none has.'),
})

const get = { method: 'GET', role: 'viewer', params: NOTHING, query: NOTHING, body: null } as const
const post = { method: 'POST', role: 'operator', params: NOTHING, query: NOTHING } as const

/** Part of the table of api.ts. */
export const INTEGRATION_ROUTES = {
  integrations: {
    ...get,
    path: '/integrations',
    answer: integrationsAnswer,
    summary: 'Every integration of the configuration or the ledger, and what it was enrolled with.',
  },
  renameIntegration: {
    ...post,
    path: '/integrations/rename',
    body: renameBody,
    answer: renameAnswer,
    summary: 'Let caps, pace, history and a finalized state go by another name; a dry run unless execute.',
  },
} as const

export type ShownIntegration = z.infer<typeof integrationSchema>
export type RenameIntegration = z.infer<typeof renameBody>
export type RenamedIntegration = z.infer<typeof renameAnswer>
