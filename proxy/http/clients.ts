import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Caller } from '../../access/tokens.ts'
import { type Address, type Secret, SecretValue } from '../../backends/secret.ts'
import type { Phase } from '../../flags/phase.ts'
import { proxyFault } from '../faults.ts'
import type { ProxyMetrics } from '../metrics.ts'
import type { Secrets, Served } from '../operations.ts'
import { type AdmissionDeps, authorise, identify, record } from './admission.ts'
import { sendList, sendRead, sendWrite } from './answer.ts'
import { LISTING_METHODS, listQuery, NO_QUERY, SECRET_METHODS } from './api.ts'
import { assertWhole, contentTypeHeaders, contentTypeOf } from './content-type.ts'
import { parseTags, writePrecondition } from './etags.ts'
import { httpFault } from './faults.ts'
import { type Log, makeFront, oneHeader } from './front.ts'
import { measure, type Noted, type Operation } from './measure.ts'
import { readMetadata } from './metadata.ts'
import { parseTarget, SECRETS_PREFIX, type Target } from './path.ts'
import { faultOf } from './problem.ts'

/** What the front must know of a configured integration. */
export interface IntegrationLimits {
  /** Largest value in bytes. */
  readonly maxSize: number
}

export interface ClientsDeps extends AdmissionDeps {
  readonly secrets: Secrets
  /** Null for one that is not configured; asked at each request, so that a reload is followed. */
  readonly limits: (integration: string) => IntegrationLimits | null
  /** Largest value that any integration may be given, now or after a reload, in bytes. */
  readonly bodyLimit: number
  /** The phase that runs, for the headers and labels of what failed; null where it cannot be told. */
  readonly phaseOf: (integration: string, customer: string) => Phase | null
  readonly metrics: ProxyMetrics
  /** Told of each request about secrets that was answered, in ms. */
  readonly onAnswered?: (operation: Operation, ms: number) => void
  readonly log: Log
  readonly newId: () => string
  /** The document at /api/v1/openapi.json. */
  readonly document: object
}

/** A request that was let in: who, to what, within which limits. */
interface Admitted {
  readonly caller: Caller
  readonly target: Target
  readonly operation: Operation
  readonly limits: IntegrationLimits
}

const DOCUMENT_PATH = '/api/v1/openapi.json'
const OPERATIONS: Readonly<Record<string, Operation>> = { GET: 'get', HEAD: 'get', PUT: 'put', DELETE: 'delete' }

/** The clients' port: `/api/v1/secrets/...`. It shapes HTTP; what is decided is decided behind `secrets`. */
export function makeClientsApp(deps: ClientsDeps): FastifyInstance {
  const app = makeFront({
    log: deps.log,
    newId: deps.newId,
    bodyLimit: deps.bodyLimit,
    allowed: (path) => (path === DOCUMENT_PATH ? ['GET'] : path.startsWith(SECRETS_PREFIX) ? methodsOf(path) : null),
  })
  const noted = measure(app, deps)
  takeBytes(app)
  noteFailures(app, deps, noted)
  keepContentType(app, noted)
  const admitted = admit(app, deps, noted)
  app.get(DOCUMENT_PATH, async () => deps.document)
  app.route({
    method: [...SECRET_METHODS],
    url: `${SECRETS_PREFIX}*`,
    handler: async (request, reply) => {
      const entry = admitted(request)
      await record(deps, entry.caller, 'client', intentOf(entry), request.id)
      return perform(deps, entry, request, reply, noted(request))
    },
  })
  return app
}

const methodsOf = (path: string): readonly string[] =>
  path.slice(SECRETS_PREFIX.length).split('/').length > 2 ? SECRET_METHODS : LISTING_METHODS

/** The body is the value: whatever its content type says, it is neither parsed nor changed. */
function takeBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** Fastify replaces a content type that it cannot parse; the value goes out with the one that it came with. */
function keepContentType(app: FastifyInstance, noted: (request: FastifyRequest) => Noted): void {
  app.addHook('onSend', async (request, reply) => {
    const { contentType } = noted(request)
    if (contentType !== null && reply.statusCode === 200) reply.headers(contentTypeHeaders(contentType))
  })
}

/** Before the body is read: authenticated, canonicalised, authorised, and small enough as far as is announced. */
function admit(app: FastifyInstance, deps: ClientsDeps, noted: (request: FastifyRequest) => Noted) {
  const entries = new WeakMap<FastifyRequest, Admitted>()
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.url !== `${SECRETS_PREFIX}*`) return
    const caller = identify(deps, request)
    const target = parseTarget(request.raw.url ?? '')
    const { integration, customer } = target.kind === 'secret' ? target.address : target
    authorise(deps, caller, { permission: 'secrets', integration, customer })
    const limits = deps.limits(integration)
    if (limits === null) throw proxyFault('unknown-integration', 'it is not in the configuration')
    const operation = target.kind === 'listing' ? 'list' : (OPERATIONS[request.method] as Operation)
    Object.assign(noted(request), { operation, integration })
    if (Number(request.headers['content-length'] ?? 0) > limits.maxSize) throw tooLarge(limits)
    if (target.kind === 'listing' && request.method !== 'GET' && request.method !== 'HEAD')
      throw httpFault('method-not-allowed', `a listing knows ${LISTING_METHODS.join(', ')}`)
    if (operation === 'put') assertWhole(request.raw)
    entries.set(request, { caller, target, operation, limits })
    // Fastify would refuse content types that it cannot parse; `contentTypeOf` reads the raw headers.
    delete request.headers['content-type']
  })
  return (request: FastifyRequest): Admitted => {
    const entry = entries.get(request)
    if (entry === undefined) throw httpFault('internal', 'a request passed without admission')
    return entry
  }
}

const tooLarge = ({ maxSize }: IntegrationLimits) => proxyFault('value-too-large', `at most ${maxSize} bytes`)

const intentOf = ({ target, operation }: Admitted) => ({
  permission: 'secrets' as const,
  operation: `secrets.${operation === 'get' ? 'read' : operation}`,
  ...(target.kind === 'secret'
    ? target.address
    : { integration: target.integration, customer: target.customer, name: null }),
  reason: null,
})

async function perform(deps: ClientsDeps, entry: Admitted, request: FastifyRequest, reply: FastifyReply, note: Noted) {
  const noting = <R extends { readonly served: Served }>(result: R): R => {
    note.phase = result.served.phase
    return result
  }
  const { target, operation } = entry
  if (target.kind === 'listing') {
    const { limit, after } = queryOf(listQuery, request)
    const page = { limit, after: after ?? null }
    const listed = deps.secrets.list(target.integration, target.customer, page, goneSignal(reply))
    return sendList(reply, noting(await listed))
  }
  queryOf(NO_QUERY, request)
  const { address } = target
  if (operation === 'get') {
    const conditions = {
      match: parseTags(oneHeader(request.headers, 'if-match')),
      noneMatch: parseTags(oneHeader(request.headers, 'if-none-match')),
    }
    const result = noting(await deps.secrets.read(address, goneSignal(reply)))
    note.contentType = result.kind === 'found' ? result.secret.contentType : null
    return sendRead(reply, result, conditions)
  }
  return sendWrite(reply, noting(await change(deps, entry, address, request, goneSignal(reply))))
}

function change(
  deps: ClientsDeps,
  { operation, limits }: Admitted,
  address: Address,
  request: FastifyRequest,
  gone: AbortSignal,
) {
  if (operation === 'delete') return deps.secrets.remove(address, writePrecondition(request.headers, 'delete'), gone)
  const precondition = writePrecondition(request.headers, 'put')
  const secret = secretOf(request)
  if (secret.value.size > limits.maxSize) throw tooLarge(limits)
  return deps.secrets.write(address, secret, precondition, gone)
}

const secretOf = (request: FastifyRequest): Secret => ({
  value: SecretValue.of(Buffer.isBuffer(request.body) ? request.body : new Uint8Array(0)),
  contentType: contentTypeOf(request.raw),
  metadata: readMetadata(request.raw),
})

function queryOf<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  const parsed = schema.safeParse({ ...(request.query as object) })
  if (parsed.success) return parsed.data
  throw httpFault(
    'parameter-refused',
    'the query is limit (1 to 1000) and after (the next of the page before), with a listing only',
  )
}

/** Aborted when the client goes away before its answer: nobody waits for the read any more. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) gone.abort()
  })
  return gone.signal
}

/** What failed is labelled and marked with the phase that runs, too (I9). */
function noteFailures(app: FastifyInstance, deps: ClientsDeps, noted: (request: FastifyRequest) => Noted): void {
  app.addHook('onError', async (request, reply, error) => {
    const note = noted(request)
    note.code = faultOf(error).code
    if (note.integration === null || note.phase !== null) return
    const customer = customerOf(request)
    note.phase = customer === null ? null : deps.phaseOf(note.integration, customer)
    if (note.phase !== null) reply.headers({ 'crossfade-served-by': 'none', 'crossfade-phase': note.phase })
    if (note.code === 'method-not-allowed') reply.header('allow', LISTING_METHODS.join(', '))
  })
}

function customerOf(request: FastifyRequest): string | null {
  const target = parseTarget(request.raw.url ?? '')
  return target.kind === 'secret' ? target.address.customer : target.customer
}
