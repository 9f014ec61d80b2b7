import { createSecretKey, randomBytes } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { digest } from '../../../backends/digest.ts'
import { type Address, addressKey, type Secret } from '../../../backends/secret.ts'
import { proxyFault } from '../../../proxy/faults.ts'
import { makeClientsApp } from '../../../proxy/http/clients.ts'
import { makeProxyMetrics } from '../../../proxy/metrics.ts'
import type { Precondition, Secrets, Served } from '../../../proxy/operations.ts'
import { withAccess } from './with-access.ts'

export const MAX_SIZE = 1024

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Ask {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: Uint8Array | string
  /** Null sends none. */
  readonly token?: string | null
}

/** One request on a connection of its own; the path goes out as it is. */
export const send = (port: number, { method = 'GET', path, headers = {}, body }: Ask): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      collect(response).then((bytes) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes })
      }, reject)
    })
    request.on('error', reject)
    request.end(body)
  })

async function collect(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const SERVED: Served = { by: 'legacy', phase: 'dualwrite', fallback: null, unproven: false }

/** Secrets in a map, with the semantics of the port. */
function makeMapSecrets(): Secrets & { fail(error: unknown): void; serve(served: Served): void; seen: Address[] } {
  const held = new Map<string, { address: Address; secret: Secret; etag: string }>()
  const key = createSecretKey(randomBytes(32))
  const seen: Address[] = []
  let failure: unknown = null
  let served = SERVED
  const step = (address: Address): void => {
    if (failure !== null) throw failure
    seen.push(address)
  }
  const check = (address: Address, precondition: Precondition): void => {
    const etag = held.get(addressKey(address))?.etag
    const met =
      precondition.kind === 'none' ||
      (precondition.kind === 'none-match' && etag === undefined) ||
      (precondition.kind === 'match' &&
        etag !== undefined &&
        (precondition.etags === '*' || precondition.etags.includes(etag)))
    if (!met) throw proxyFault('precondition-failed', 'not what is stored')
  }
  return {
    seen,
    fail: (error) => {
      failure = error
    },
    serve: (next) => {
      served = next
    },
    read: async (address) => {
      step(address)
      const entry = held.get(addressKey(address))
      return entry === undefined
        ? { kind: 'absent', served }
        : { kind: 'found', secret: entry.secret, etag: entry.etag, version: '7', served }
    },
    write: async (address, secret, precondition) => {
      step(address)
      check(address, precondition)
      const etag = digest(key, 'etag', address, secret, 'bytes')
      held.set(addressKey(address), { address, secret, etag })
      return { kind: 'written', etag, version: '8', served }
    },
    remove: async (address, precondition) => {
      step(address)
      check(address, precondition)
      held.delete(addressKey(address))
      return { kind: 'removed', etag: null, version: null, served }
    },
    list: async (integration, customer, { limit, after }) => {
      const names = [...held.values()]
        .filter(({ address }) => address.integration === integration && address.customer === customer)
        .map(({ address }) => address.name)
        .filter((name) => after === null || name > after)
        .sort()
      const entries = names.slice(0, limit).map((name) => ({ name }))
      return { entries, next: names.length > limit ? (entries.at(-1)?.name ?? null) : null, served }
    },
  }
}

/** The clients' port on a real socket. */
export async function withClients(t: TestContext) {
  const access = withAccess()
  const secrets = makeMapSecrets()
  const app = makeClientsApp({
    ...access.deps,
    secrets,
    limits: (integration) => (['aws', 'github'].includes(integration) ? { maxSize: MAX_SIZE } : null),
    bodyLimit: MAX_SIZE * 4,
    phaseOf: () => 'shadow',
    metrics: makeProxyMetrics(access.registry),
    document: { openapi: '3.1.0' },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const ask = ({ token = access.tokenOf('client'), ...rest }: Ask): Promise<Answer> =>
    send(port, {
      ...rest,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...rest.headers },
    })
  return { ...access, app, port, secrets, ask }
}

export const problem = (answer: Answer) => JSON.parse(answer.body.toString('utf8')) as Record<string, unknown>
