import { COMPONENTS, type Json, jsonBody, jsonSchema, PROBLEM_RESPONSE, parameters } from '../http/schema.ts'
import { OPS_PREFIX, OPS_ROUTES, type OpsRoute } from './api.ts'
import { liveMessage } from './live-messages.ts'
import { STREAM_PATH } from './stream.ts'

const operation = (name: string, row: OpsRoute): Json => ({
  operationId: name,
  summary: row.summary,
  description: `Wants the role ${row.role}.`,
  parameters: [...parameters(row.params, 'path'), ...parameters(row.query, 'query')],
  ...(row.body === null ? {} : { requestBody: { required: true, ...jsonBody(row.body) } }),
  responses: { 200: { description: 'Done.', ...jsonBody(row.answer) }, default: PROBLEM_RESPONSE },
})

const plain = (summary: string, statuses: readonly number[]): Json => ({
  get: {
    summary,
    security: [],
    responses: Object.fromEntries(statuses.map((status) => [status, { description: status === 200 ? 'Yes.' : 'No.' }])),
  },
})

/** The operators' API, OpenAPI 3.1, made of the table that the server runs. */
export function operatorsDocument(version: string): Json {
  const paths: Record<string, Json> = {
    '/livez': plain('The process runs.', [200]),
    '/readyz': plain('It may be sent requests; ?verbose names each check.', [200, 503]),
    '/metrics': plain('Prometheus text format.', [200]),
  }
  paths[STREAM_PATH] = {
    get: {
      operationId: 'stream',
      summary:
        'Everything that the live page shows, and then every change, as a JSON object a line, for as long as it is read.',
      description: 'Wants the role viewer.',
      responses: {
        200: { description: 'Lines.', content: { 'application/x-ndjson': { schema: jsonSchema(liveMessage) } } },
        default: PROBLEM_RESPONSE,
      },
    },
  }
  for (const [name, row] of Object.entries(OPS_ROUTES)) {
    const path = OPS_PREFIX + row.path
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: operation(name, row) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Crossfade: operations', version },
    security: [{ token: [] }],
    paths,
    components: COMPONENTS,
  }
}
