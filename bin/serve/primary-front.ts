import replyFrom from '@fastify/reply-from'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import { httpFault } from '../../proxy/http/faults.ts'
import { type Log, makeFront } from '../../proxy/http/front.ts'
import { exposition } from '../../proxy/ops/exposition.ts'
import { serveFault } from './faults.ts'
import { mergeMetrics } from './merge-metrics.ts'
import { aggregatorsOf } from './metrics.ts'
import type { FromWorker } from './worker-messages.ts'

/*
 * The operators' port of several workers. Health and metrics are those of all of them; everything else is answered by
 * the first worker that serves, as it is: what it changes reaches the others as it reaches any other replica.
 */
export interface PrimaryFrontOptions {
  readonly workers: () => readonly (FromWorker | null)[]
  /** The primary's own metrics. */
  readonly registry: Registry
  readonly log: Log
  readonly newId: () => string
}

/** ms that a worker has to say whether it is ready. */
const READY_MS = 3000
/** ms that it has to render its metrics; a scrape of Prometheus is given up after ten seconds. */
const METRICS_MS = 8000
/** ms until a worker begins its answer; the longest call of operators takes 15 s. */
const UNDICI = { headersTimeout: 60_000 } as const
/** A body is not kept here; the worker's own limit holds. */
const BODY_LIMIT = Number.MAX_SAFE_INTEGER

export async function makePrimaryFront(options: PrimaryFrontOptions): Promise<FastifyInstance> {
  const { workers, registry } = options
  const aggregatorOf = aggregatorsOf()
  const app = makeFront({ log: options.log, newId: options.newId, bodyLimit: BODY_LIMIT, allowed: () => null })
  await app.register(replyFrom, { destroyAgent: true, disableRequestLogging: true, disableCache: true, undici: UNDICI })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.get('/livez', async () => ({ alive: true }))
  app.get('/readyz', async (request, reply) => {
    const reports = await Promise.all(workers().map((worker, index) => askReady(worker, index + 1)))
    const ready = reports.every((report) => report.ready)
    const verbose = Object.hasOwn(request.query as object, 'verbose')
    reply.code(ready ? 200 : 503).header('cache-control', 'no-store')
    return verbose ? { ready, workers: reports } : { ready }
  })
  app.get('/metrics', async (_request, reply) => {
    const texts = (await Promise.all(workers().map(metricsOf))).filter((text) => text !== null)
    const own = await Array.fromAsync(exposition(registry))
    return reply.header('content-type', registry.contentType).send(mergeMetrics(texts, aggregatorOf) + own.join(''))
  })
  app.all('/*', async (request, reply) => forward(request, reply, workers()))
  return app
}

/** Null: it is being started, or does not answer. */
async function metricsOf(worker: FromWorker | null): Promise<string | null> {
  if (worker === null) return null
  const signal = AbortSignal.timeout(METRICS_MS)
  const answer = await fetch(`${worker.operators}/metrics`, { signal }).catch(() => null)
  return answer === null ? null : answer.text().catch(() => null)
}

/** Ready when every worker is: a load balancer that asks sees one machine. */
async function askReady(worker: FromWorker | null, number: number) {
  if (worker === null) return { worker: number, ready: false, detail: 'it is being started' }
  const signal = AbortSignal.timeout(READY_MS)
  const answer = await fetch(`${worker.operators}/readyz?verbose`, { signal }).catch(() => null)
  if (answer === null) return { worker: number, ready: false, detail: 'no answer' }
  return { worker: number, ready: answer.status === 200, detail: await answer.json().catch(() => null) }
}

/** As it is, both ways; the caller's own address is lost, and nothing asks for it. */
function forward(request: FastifyRequest, reply: FastifyReply, workers: readonly (FromWorker | null)[]): FastifyReply {
  const worker = workers.find((candidate) => candidate !== null)
  if (worker === undefined) throw unavailable('no worker serves')
  const path = (request.raw.url ?? '').split('?', 1)[0] as string
  // What a URL would change on its way could be another route at the worker.
  if (URL.parse(path, worker.operators)?.pathname !== path) throw httpFault('no-such-route', 'no route has this path')
  return reply.from(path, {
    getUpstream: () => worker.operators,
    // A worker's 503 is its answer, to be seen by who asked.
    retryDelay: () => null,
    onError: (failed) => {
      failed.send(unavailable('the worker ended while it was asked'))
    },
  })
}

const unavailable = (detail: string) => serveFault('worker-unavailable', detail, { retryAfter: 1 })
