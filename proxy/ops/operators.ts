import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import type { z } from 'zod'
import type { Caller } from '../../access/tokens.ts'
import { type AdmissionDeps, authorise, identify, record } from '../http/admission.ts'
import { httpFault } from '../http/faults.ts'
import { type Log, makeFront } from '../http/front.ts'
import { assertWholeTexts } from '../http/text.ts'
import { OPS_PREFIX, OPS_ROUTES, type OpsName, type OpsRoute } from './api.ts'
import { exposition } from './exposition.ts'
import { makeOpsHandlers } from './handlers.ts'
import type { Live } from './live.ts'
import { addPage, type PageFile } from './page.ts'
import type { OpsPorts } from './ports.ts'
import type { Readiness } from './readiness.ts'
import { addStream, STREAM_PATH } from './stream.ts'

export interface OperatorsDeps extends AdmissionDeps {
  readonly ports: OpsPorts
  readonly readiness: Readiness
  readonly registry: Registry
  readonly log: Log
  readonly newId: () => string
  /** The document at /api/v1/openapi.json. */
  readonly document: object
  readonly live: Live
  /** None: it was not built. */
  readonly page: readonly PageFile[]
}

const BODY_LIMIT = 1_048_576
const DOCUMENT_PATH = '/api/v1/openapi.json'
const GET_PATHS = ['/livez', '/readyz', '/metrics', DOCUMENT_PATH, STREAM_PATH]
const SELECTS_MANY = /[*?[\]{}=]/

/** The operators' port: health, metrics and the operators' API. Everything under /api/v1/ops wants a token. */
export function makeOperatorsApp(deps: OperatorsDeps): FastifyInstance {
  const app = makeFront({ log: deps.log, newId: deps.newId, bodyLimit: BODY_LIMIT, allowed: allowedBeside(deps.page) })
  takeJson(app)
  addHealth(app, deps)
  addPage(app, deps.page)
  addStream(app, deps)
  app.get(DOCUMENT_PATH, async () => deps.document)
  const handlers = makeOpsHandlers(deps.ports) as Readonly<Record<OpsName, LooseHandler>>
  for (const name of Object.keys(OPS_ROUTES) as OpsName[]) addRoute(app, deps, name, handlers[name])
  return app
}

/** The table gives each handler the input of its own row; here all rows are alike. */
type LooseHandler = (input: never, by: string, caller: Caller) => Promise<unknown>

const asRoutePath = (path: string): string => OPS_PREFIX + path.replace(/\{(\w+)\}/g, ':$1')

const allowedBeside =
  (page: readonly PageFile[]) =>
  (path: string): readonly string[] | null => {
    if ([...GET_PATHS, ...page.map((file) => file.path)].includes(path)) return ['GET']
    const matches = Object.values(OPS_ROUTES).filter((row) =>
      new RegExp(`^${OPS_PREFIX}${row.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
    )
    return matches.length === 0 ? null : [...new Set(matches.map(({ method }) => method))]
  }

/** Any content type is read as JSON, so that a client which forgot the header is not refused for it. */
function takeJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(body as string))
    } catch {
      done(httpFault('parameter-refused', 'the body is not JSON'))
    }
  })
}

function addHealth(app: FastifyInstance, { readiness, registry }: OperatorsDeps): void {
  app.get('/livez', async () => ({ alive: true }))
  app.get('/readyz', async (request, reply) => {
    const report = await readiness.report()
    const verbose = Object.hasOwn(request.query as object, 'verbose')
    const { ready, started, draining } = report
    return reply.code(ready ? 200 : 503).send(verbose ? report : { ready, started, draining })
  })
  app.get('/metrics', async (_request, reply) => {
    return reply.header('content-type', registry.contentType).send(Readable.from(exposition(registry)))
  })
}

function addRoute(app: FastifyInstance, deps: OperatorsDeps, name: OpsName, handler: LooseHandler): void {
  const row: OpsRoute = OPS_ROUTES[name]
  app.route({
    method: row.method,
    url: asRoutePath(row.path),
    onRequest: async (request) => {
      identify(deps, request)
    },
    handler: async (request, reply) => {
      const input = inputOf(row, request)
      const caller = await admit(deps, name, row, input, request)
      const answer = await handler(input as never, caller.name, caller)
      if (row.role === 'operator') deps.live.nudge()
      return send(reply, answer)
    },
  })
}

const send = (reply: FastifyReply, answer: unknown): FastifyReply =>
  reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff').send(answer)

/** Changes are audited before they happen; looking is not, because a status that is polled would bury them. */
async function admit(
  deps: OperatorsDeps,
  name: OpsName,
  row: OpsRoute,
  input: LooseInput,
  request: FastifyRequest,
): Promise<Caller> {
  const caller = identify(deps, request)
  const subject = subjectOf(input)
  const permission = row.role === 'operator' ? 'operate' : 'view'
  const role = authorise(deps, caller, { permission, ...subject })
  const reason = typeof input.body?.['reason'] === 'string' ? input.body['reason'] : null
  const intent = { permission, operation: `ops.${name}`, ...subject, name: null, reason } as const
  if (row.role === 'operator') await record(deps, caller, role, intent, request.id)
  return caller
}

interface LooseInput {
  readonly params: Readonly<Record<string, unknown>>
  readonly query: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** One integration where the call names one; null, which only unbound tokens may use, where it may be about many. */
function subjectOf({ params, query, body }: LooseInput): { integration: string | null; customer: string | null } {
  const named = [params['integration'], body?.['integration'], body?.['selector'], query['selector']]
  const first = named.find((value): value is string => typeof value === 'string')
  const customer = params['customer'] ?? body?.['customer']
  return {
    integration: first === undefined || SELECTS_MANY.test(first) ? null : first,
    customer: typeof customer === 'string' ? customer : null,
  }
}

function inputOf(row: OpsRoute, request: FastifyRequest): LooseInput {
  return {
    params: parse(row.params, 'path', request.params),
    query: parse(row.query, 'query', { ...(request.query as object) }),
    body: row.body === null ? undefined : parse(row.body, 'body', request.body ?? {}),
  }
}

/** Unknown fields are refused: a mistyped one would otherwise run something that nobody asked for. */
function parse(schema: z.ZodObject, where: string, given: unknown): Readonly<Record<string, unknown>> {
  assertWholeTexts(given, where)
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, message }) => `${[where, ...path].join('.')}: ${message}`)
  throw httpFault('parameter-refused', issues.join('; '))
}
