import { z } from 'zod'
import type { Address } from '../../backends/secret.ts'
import { decodeMeta, META_PREFIX, metadataHeaders } from '../../proxy/http/metadata.ts'
import { parseTarget, pathOf, SECRETS_PREFIX } from '../../proxy/http/path.ts'
import { readAnswer, type Send } from './http.ts'

/** Who answered and in which phase, as the headers say. */
export interface ServedBy {
  readonly served_by: string | null
  readonly phase: string | null
  readonly fallback: string | null
}

export interface FoundSecret extends ServedBy {
  readonly value: Uint8Array
  readonly contentType: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly etag: string | null
}

export interface Written extends ServedBy {
  readonly etag: string | null
}

/** What to send besides the value. */
export interface PutOptions {
  readonly contentType: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** An ETag as `get` showed it, quotes included, or `*`. */
  readonly ifMatch?: string
  readonly ifNoneMatch?: '*'
}

/** The clients' API. Rejects with the server's faults. */
export interface SecretsClient {
  get(address: Address, signal?: AbortSignal): Promise<FoundSecret>
  put(address: Address, value: Uint8Array, options: PutOptions, signal?: AbortSignal): Promise<Written>
  remove(address: Address, options: { readonly ifMatch?: string }, signal?: AbortSignal): Promise<Written>
  list(
    integration: string,
    customer: string,
    page: { readonly limit: number; readonly after?: string },
    signal?: AbortSignal,
  ): Promise<z.output<typeof listAnswer>>
}

const listAnswer = z.object({ entries: z.array(z.object({ name: z.string() })), next: z.string().nullable() })

export const makeSecretsClient = (send: Send): SecretsClient => ({
  get: async (address, signal) => {
    const response = await send({ method: 'GET', path: pathTo(address), ...when('signal', signal) })
    return {
      value: new Uint8Array(await response.arrayBuffer()),
      contentType: response.headers.get('content-type'),
      metadata: metadataOf(response.headers),
      ...written(response),
    }
  },
  put: async (address, value, options, signal) => {
    const { ifMatch, ifNoneMatch, contentType, metadata } = options
    const headers = {
      // fetch would make one up for a text body; bytes have none unless the caller named one.
      ...when('content-type', contentType ?? undefined),
      ...when('if-match', ifMatch),
      ...when('if-none-match', ifNoneMatch),
      ...metadataHeaders(metadata),
    }
    return written(
      await send({ method: 'PUT', path: pathTo(address), headers, body: value, ...when('signal', signal) }),
    )
  },
  remove: async (address, { ifMatch }, signal) => {
    const headers = when('if-match', ifMatch)
    return written(await send({ method: 'DELETE', path: pathTo(address), headers, ...when('signal', signal) }))
  },
  list: async (integration, customer, { limit, after }, signal) => {
    const query = new URLSearchParams({ limit: String(limit), ...when('after', after) })
    const path = judged(`${SECRETS_PREFIX}${encodeURIComponent(integration)}/${encodeURIComponent(customer)}`)
    return readAnswer(await send({ method: 'GET', path: `${path}?${query}`, ...when('signal', signal) }), listAnswer)
  },
})

/**
 * A path that the server would refuse, or that would be another one by the time it came there: `fetch` takes `..` out of it.
 * Throws `path-refused`, and nothing is sent.
 */
const judged = (path: string): string => {
  parseTarget(path)
  return path
}

const pathTo = (address: Address): string => judged(pathOf(address))

const when = <K extends string, V>(key: K, value: V | undefined): { [k in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { [k in K]?: V }

const written = ({ headers }: Response): Written => ({
  etag: headers.get('etag'),
  served_by: headers.get('crossfade-served-by'),
  phase: headers.get('crossfade-phase'),
  fallback: headers.get('crossfade-fallback'),
})

const metadataOf = (headers: Headers): Record<string, string> => {
  const found = [...headers].filter(([key]) => key.startsWith(META_PREFIX))
  return Object.fromEntries(found.map(([key, text]) => [key.slice(META_PREFIX.length), decodeMeta(text)]))
}
