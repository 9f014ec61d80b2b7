import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Registry } from 'prom-client'
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
}

/** ms that a worker has to say whether it is ready. */
const READY_MS = 3000
/** ms that it has to render its metrics; a scrape of Prometheus is given up after ten seconds. */
const METRICS_MS = 8000

export function makePrimaryFront(options: PrimaryFrontOptions): Server {
  const aggregatorOf = aggregatorsOf()
  const routes: Readonly<Record<string, (response: ServerResponse, url: URL) => Promise<void>>> = {
    '/livez': async (response) => json(response, 200, { alive: true }),
    '/readyz': async (response, url) => readyz(response, options.workers(), url),
    '/metrics': async (response) => {
      const workers = (await Promise.all(options.workers().map(metricsOf))).filter((text) => text !== null)
      const own = await Readable.from(exposition(options.registry)).toArray()
      response.writeHead(200, { 'content-type': options.registry.contentType })
      response.end(mergeMetrics(workers, aggregatorOf) + own.join(''))
    },
  }
  return createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://workers')
    const route = incoming.method === 'GET' ? routes[url.pathname] : undefined
    if (route === undefined) forward(incoming, response, options.workers())
    else route(response, url).catch(() => unavailable(response, 'the workers do not answer'))
  })
}

/** Null: it is being started, or does not answer. */
async function metricsOf(worker: FromWorker | null): Promise<string | null> {
  if (worker === null) return null
  const signal = AbortSignal.timeout(METRICS_MS)
  const answer = await fetch(`${worker.operators}/metrics`, { signal }).catch(() => null)
  return answer === null ? null : answer.text().catch(() => null)
}

/** Ready when every worker is: a load balancer that asks sees one machine. */
async function readyz(response: ServerResponse, workers: readonly (FromWorker | null)[], url: URL): Promise<void> {
  const reports = await Promise.all(workers.map((worker, index) => askReady(worker, index + 1)))
  const ready = reports.every((report) => report.ready)
  json(response, ready ? 200 : 503, url.searchParams.has('verbose') ? { ready, workers: reports } : { ready })
}

async function askReady(worker: FromWorker | null, number: number) {
  if (worker === null) return { worker: number, ready: false, detail: 'it is being started' }
  const signal = AbortSignal.timeout(READY_MS)
  const answer = await fetch(`${worker.operators}/readyz?verbose`, { signal }).catch(() => null)
  if (answer === null) return { worker: number, ready: false, detail: 'no answer' }
  return { worker: number, ready: answer.status === 200, detail: await answer.json().catch(() => null) }
}

/** Byte for byte, both ways; the caller's own address is lost, and nothing asks for it. */
function forward(incoming: IncomingMessage, response: ServerResponse, workers: readonly (FromWorker | null)[]): void {
  const worker = workers.find((candidate) => candidate !== null)
  if (worker === undefined) {
    unavailable(response, 'no worker serves')
    return
  }
  const { method, headers, url: path } = incoming
  const onward = request(worker.operators, { method, headers, path }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => unavailable(response, 'the worker ended while it was asked'))
  response.on('close', () => onward.destroy())
  incoming.pipe(onward)
}

const json = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

function unavailable(response: ServerResponse, detail: string): void {
  if (response.headersSent) response.destroy()
  else {
    const { code, status, title, next } = serveFault('worker-unavailable', detail)
    response.writeHead(status, { 'content-type': 'application/problem+json; charset=utf-8', 'retry-after': '1' })
    response.end(JSON.stringify({ code, status, title, detail, next }))
  }
}
