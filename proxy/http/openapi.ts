import { PHASES } from '../../flags/phase.ts'
import { listAnswer, listQuery } from './api.ts'
import { COMPONENTS, type Json, jsonBody, PROBLEM_RESPONSE, parameters } from './schema.ts'

const text = { type: 'string' }
const header = (description: string, schema: Json = text): Json => ({ description, schema })

const SERVED: Json = {
  'crossfade-served-by': header('Who answered.', { type: 'string', enum: ['legacy', 'new', 'none'] }),
  'crossfade-phase': header('The phase that ran.', { type: 'string', enum: [...PHASES] }),
  'crossfade-fallback': header('Why it was not the side of the phase.', { type: 'string', enum: ['debt', 'error'] }),
  'crossfade-unproven': header('Freshness could not be proven; only where the configuration allows it.'),
  'crossfade-request-id': header('Of this request, in the log and the audit too.'),
}
const ETAG: Json = { etag: header('Strong validator of value, content type and metadata; the same in every phase.') }
const VERSION: Json = { 'crossfade-version': header("The store's own version, where it keeps one.") }
const OMITTED: Json = {
  'crossfade-meta-omitted': header(
    'Keys of metadata that no header carries, percent-encoded, separated by commas; +N at the end: so many more.',
  ),
  'crossfade-content-type-omitted': header('The stored content type, where no header carries it; percent-encoded.'),
}
const META: Json = {
  'crossfade-meta-{key}': header('Custom metadata; printable ASCII, the rest percent-encoded UTF-8.'),
}

const pathParameter = (name: string, description: string): Json => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: text,
})
const OWNER = [
  pathParameter('integration', 'a-z, 0-9, - and _.'),
  pathParameter('customer', 'One segment, at most 128 bytes.'),
]
const NAME = pathParameter(
  'name',
  'One or more literal segments joined by /, at most 512 bytes; no empty, . or .. segment, no %2F. Not normalised.',
)
const condition = (name: string, description: string): Json => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: text,
})
const IF_MATCH = condition('If-Match', 'Quoted ETags or *; a weak tag never matches.')
const BYTES = { '*/*': { schema: { type: 'string', format: 'binary' } } }
const written = (description: string, headers: Json): Json => ({ description, headers: { ...SERVED, ...headers } })
const problems = { default: PROBLEM_RESPONSE }

const read = (operationId: string, method: string, body: Json): Json => ({
  operationId,
  summary: `${method} one secret.`,
  parameters: [IF_MATCH, condition('If-None-Match', 'Quoted ETags or *: 304 if one is current.')],
  responses: {
    200: { ...written('The value, with its content type.', { ...ETAG, ...VERSION, ...META, ...OMITTED }), ...body },
    304: written('It is what If-None-Match names.', ETAG),
    ...problems,
  },
})

const SECRET: Json = {
  parameters: [...OWNER, NAME],
  get: read('readSecret', 'Read', { content: BYTES }),
  head: read('headSecret', 'Look at', {}),
  put: {
    operationId: 'writeSecret',
    summary: 'Write one secret: the body is the value, content type and metadata are kept.',
    parameters: [
      IF_MATCH,
      condition('If-None-Match', 'Only *: write if there is nothing yet.'),
      condition('crossfade-meta-{key}', 'Custom metadata, at most 32 keys of a-z, 0-9 and -, 4 KiB together.'),
    ],
    requestBody: { required: false, content: BYTES },
    responses: { 204: written('Written, durably.', { ...ETAG, ...VERSION }), ...problems },
  },
  delete: {
    operationId: 'removeSecret',
    summary: 'Delete one secret; one that is not there is deleted as well.',
    parameters: [IF_MATCH],
    responses: { 204: written('Deleted, durably.', VERSION), ...problems },
  },
}

const LISTING: Json = {
  parameters: OWNER,
  get: {
    operationId: 'listSecrets',
    summary: 'The names of one customer, in byte order.',
    parameters: parameters(listQuery, 'query'),
    responses: { 200: { ...written('One page.', {}), ...jsonBody(listAnswer) }, ...problems },
  },
}

/** The clients' API, OpenAPI 3.1. Made of the same limits and schemas that the server uses; checked in under docs/. */
export const clientsDocument = (version: string): Json => ({
  openapi: '3.1.0',
  info: { title: 'Crossfade: secrets', version },
  security: [{ token: [] }],
  paths: {
    '/api/v1/secrets/{integration}/{customer}': LISTING,
    '/api/v1/secrets/{integration}/{customer}/{name}': SECRET,
  },
  components: COMPONENTS,
})
