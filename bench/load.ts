import { Agent, request } from 'node:http'
import { finished } from 'node:stream/promises'

/** One request of the load. */
export interface Shot {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** Percent-encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
}

export interface LoadOptions {
  readonly url: string
  /** Kept-alive connections; each sends its next request when the answer before has come. */
  readonly connections: number
  readonly ms: number
  readonly next: () => Shot
  /** Told when each answered request was sent and answered, in ms of `performance.now()`. */
  readonly onAnswer?: (sent: number, answered: number) => void
}

/** What a slice of load met. */
export interface Slice {
  readonly latenciesMs: readonly number[]
  readonly seconds: number
  /** Answers outside 2xx and connections that broke; not among the latencies. */
  readonly failures: number
}

/**
 * A closed loop: as many requests on their way as there are connections. It measures what a caller waits, and how many a
 * second get through; it hides stalls (callers wait instead of arriving), so it is no measure of a system in trouble.
 */
export const closedLoop = async ({ url, connections, ms, next, onAnswer }: LoadOptions): Promise<Slice> => {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const latenciesMs: number[] = []
  let failures = 0
  const start = performance.now()
  const caller = async (): Promise<void> => {
    while (performance.now() - start < ms) {
      const sent = performance.now()
      const ok = await send({ agent, hostname, port }, next())
      const answered = performance.now()
      if (ok) {
        latenciesMs.push(answered - sent)
        onAnswer?.(sent, answered)
      } else failures += 1
    }
  }
  try {
    await Promise.all(Array.from({ length: connections }, caller))
    return { latenciesMs, seconds: (performance.now() - start) / 1000, failures }
  } finally {
    agent.destroy()
  }
}

export interface Target {
  readonly agent: Agent
  readonly hostname: string
  readonly port: string
}

/** True for 2xx, once all of the body has come. */
export const send = async (target: Target, { method, path, headers, body }: Shot): Promise<boolean> => {
  const length = body === null ? {} : { 'content-length': String(body.byteLength) }
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const sent = request({ ...target, method, path, headers: { ...headers, ...length } }, (response) => {
    const { statusCode = 0 } = response
    finished(response.resume()).then(
      () => resolve(statusCode >= 200 && statusCode < 300),
      () => resolve(false),
    )
  })
  sent.on('error', () => resolve(false))
  sent.end(body ?? undefined)
  return promise
}

/** Requests that follow each other, each once the one before was answered. */
export type Chain = readonly Omit<Shot, 'headers'>[]

export interface ChainsOptions extends Pick<LoadOptions, 'url' | 'connections'>, Pick<Shot, 'headers'> {
  readonly chains: readonly Chain[]
  readonly signal: AbortSignal
}

/** Sends all of them once, as fast as so many connections take them; resolves with the number that failed. */
export const shootAll = async (options: ChainsOptions): Promise<number> => {
  const { hostname, port } = new URL(options.url)
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections })
  const left = options.chains.values()
  let failures = 0
  const caller = async (): Promise<void> => {
    for (const chain of left) {
      options.signal.throwIfAborted()
      for (const shot of chain) {
        if (!(await send({ agent, hostname, port }, { ...shot, headers: options.headers }))) failures += 1
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: options.connections }, caller))
    return failures
  } finally {
    agent.destroy()
  }
}
