import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '../../core/clock.ts'
import type { ProxyMetrics } from '../metrics.ts'
import type { Log } from './front.ts'

export type Operation = 'get' | 'put' | 'delete' | 'list'

/** What is known of a request for the log and the metrics; never a customer, a name or a value. */
export interface Noted {
  operation: Operation | 'none'
  /** Only one of the configuration, so that the label stays bounded. */
  integration: string | null
  phase: string | null
  code: string | null
  /** Of the value that is answered. */
  contentType: string | null
  readonly started: number
}

export type RequestOutcome = 'ok' | 'not_found' | 'refused' | 'failed' | 'unknown' | 'gone'

/** Whose fault it is, which is enough to know of each of many integrations. */
const COARSE: Readonly<Record<RequestOutcome, 'ok' | 'refused' | 'failed'>> = {
  ok: 'ok',
  not_found: 'ok',
  refused: 'refused',
  gone: 'refused',
  failed: 'failed',
  unknown: 'failed',
}

/** The closed set of outcomes, by status. */
export function outcomeOf(status: number): RequestOutcome {
  if (status < 400) return 'ok'
  if (status === 404) return 'not_found'
  if (status === 504) return 'unknown'
  return status < 500 ? 'refused' : 'failed'
}

/** Times and counts every request, and writes one line for it. Gives the notes that the handlers fill in. */
export function measure(
  app: FastifyInstance,
  deps: {
    readonly metrics: ProxyMetrics
    readonly clock: Clock
    readonly log: Log
    readonly onAnswered?: (operation: Operation, ms: number) => void
  },
): (request: FastifyRequest) => Noted {
  const notes = new WeakMap<FastifyRequest, Noted>()
  const noted = (request: FastifyRequest): Noted => {
    const known = notes.get(request)
    if (known !== undefined) return known
    const fresh: Noted = {
      operation: 'none',
      integration: null,
      phase: null,
      code: null,
      contentType: null,
      started: deps.clock.monotonic(),
    }
    notes.set(request, fresh)
    return fresh
  }
  app.addHook('onRequest', async (request) => {
    noted(request)
    deps.metrics.inFlight.inc()
  })
  const end = (request: FastifyRequest, status: number | null): void => {
    const note = noted(request)
    const seconds = (deps.clock.monotonic() - note.started) / 1000
    const { operation } = note
    const phase = note.phase ?? 'none'
    const outcome = status === null ? 'gone' : outcomeOf(status)
    deps.metrics.inFlight.dec()
    deps.metrics.requests.inc({ operation, phase, outcome })
    if (note.integration !== null)
      deps.metrics.byIntegration.inc({ integration: note.integration, operation, outcome: COARSE[outcome] })
    deps.metrics.duration.observe({ operation, phase }, seconds)
    if (operation !== 'none' && status !== null) deps.onAnswered?.(operation, seconds * 1000)
    deps.log.info(
      {
        request: request.id,
        method: request.method,
        route: request.routeOptions.url ?? null,
        operation,
        integration: note.integration,
        phase: note.phase,
        status,
        code: note.code,
        ms: Math.round(seconds * 1e6) / 1000,
      },
      'request',
    )
  }
  // Exactly one of the two: Fastify calls onResponse also when the client went away in mid-answer.
  app.addHook('onResponse', async (request, reply) =>
    end(request, reply.raw.writableFinished ? reply.statusCode : null),
  )
  return noted
}
