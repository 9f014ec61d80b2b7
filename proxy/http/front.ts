import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Fault } from '../../core/fault.ts'
import { httpFault } from './faults.ts'
import { faultOf, problemHeaders, problemOf, traceOf } from './problem.ts'

/** Where the fronts log; pino's shape. */
export interface Log {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface FrontOptions {
  readonly log: Log
  readonly newId: () => string
  /** Largest body in bytes. */
  readonly bodyLimit: number
  /** Methods of the path if there is something at it, for 405. */
  readonly allowed: (path: string) => readonly string[] | null
}

/** Answers with a problem document and, where they are known, the headers of who served. */
export const sendProblem = (reply: FastifyReply, fault: Fault, extra: Readonly<Record<string, string>> = {}) =>
  reply
    .code(fault.status)
    .headers({ ...problemHeaders(fault), ...extra })
    .send(Buffer.from(JSON.stringify(problemOf(fault, reply.request.id))))

/**
 * What both ports share: request ids of our own, problem documents for every refusal (also Fastify's and Node's), and a
 * close that ends.
 */
export function makeFront(options: FrontOptions): FastifyInstance {
  const app = Fastify({
    logger: false,
    genReqId: options.newId,
    requestIdHeader: false,
    bodyLimit: options.bodyLimit,
    routerOptions: { maxParamLength: 16_384 },
    exposeHeadRoutes: false,
    // Requests that arrive on kept connections while closing are answered, and their connection ends with the answer.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply as FastifyReply, faultOf(error))
    },
    clientErrorHandler: (error, socket) => {
      if (socket.writable) socket.end(rawProblem((error as NodeJS.ErrnoException).code, options.newId()))
      else socket.destroy()
    },
  })
  closeConnectionsWhileClosing(app)
  refuseExpectations(app, options.newId)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('crossfade-request-id', request.id)
    // Node takes the outer coding off and leaves the inner one: the body would be another one than was meant.
    const coding = request.raw.headers['transfer-encoding']
    if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
      throw httpFault('coding-unsupported', 'Transfer-Encoding')
  })
  app.setErrorHandler((error, request, reply) => {
    const fault = faultOf(error)
    // Headers of the answer that failed are not those of the problem, and one of them may be what failed.
    if (fault.code === 'internal') keepOnly(reply, FAILURE_HEADERS)
    if (fault.code === 'internal') options.log.error({ request: request.id, ...traceOf(error) }, 'unexpected error')
    return sendProblem(reply, fault)
  })
  app.setNotFoundHandler((request, reply) => notFound(request, reply, options.allowed))
  return app
}

/** What an answer keeps when it turns into a failure. */
const FAILURE_HEADERS: ReadonlySet<string> = new Set([
  'crossfade-request-id',
  'crossfade-served-by',
  'crossfade-phase',
  'connection',
])

function keepOnly(reply: FastifyReply, kept: ReadonlySet<string>): void {
  for (const name of Object.keys(reply.getHeaders())) if (!kept.has(name)) reply.removeHeader(name)
}

/** Node would answer an expectation that it does not know with an empty body. */
function refuseExpectations(app: FastifyInstance, newId: () => string): void {
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const fault = httpFault('expectation-failed', 'Expect: nothing but 100-continue is known')
    response.writeHead(fault.status, { ...problemHeaders(fault), connection: 'close' })
    response.end(JSON.stringify(problemOf(fault, newId())))
  })
}

function notFound(request: FastifyRequest, reply: FastifyReply, allowed: FrontOptions['allowed']) {
  const methods = allowed(request.url.split('?', 1)[0] as string)
  if (methods === null) return sendProblem(reply, httpFault('no-such-route', 'no route has this path'))
  return sendProblem(reply, httpFault('method-not-allowed', `this path knows ${methods.join(', ')}`), {
    allow: methods.join(', '),
  })
}

/** Without it `close` waits for kept connections to time out (measured with Fastify 5.12: over 4 s after the last reply). */
function closeConnectionsWhileClosing(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
}

const MALFORMED = (): Fault => httpFault('request-malformed', 'the request is not valid HTTP/1.1')
const NODE_REFUSALS: Readonly<Record<string, (() => Fault) | undefined>> = {
  HPE_HEADER_OVERFLOW: () => httpFault('headers-too-large', 'the headers are larger than the server takes'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: () => httpFault('headers-too-large', 'the chunk extensions are larger than is taken'),
  ERR_HTTP_REQUEST_TIMEOUT: () => httpFault('request-timeout', 'headers or body did not arrive in time'),
}

/** Node refused the request before Fastify saw it, so the answer is written by hand. */
function rawProblem(code: string | undefined, id: string): string {
  const fault = (code === undefined ? undefined : NODE_REFUSALS[code]?.()) ?? MALFORMED()
  const body = JSON.stringify(problemOf(fault, id))
  const headers = { ...problemHeaders(fault), 'content-length': String(Buffer.byteLength(body)), connection: 'close' }
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${fault.status} Refused\r\n${head.join('')}\r\n${body}`
}

/** A header that HTTP allows once. */
export const oneHeader = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
