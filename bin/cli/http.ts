import { z } from 'zod'
import { Fault } from '../../core/fault.ts'
import { cliFault } from './faults.ts'
import { printable } from './printable.ts'
import type { Endpoint } from './target.ts'

/** One request to either API. */
export interface Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Begins with `/`; percent-encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  readonly signal?: AbortSignal
}

export type Send = (request: Request) => Promise<Response>

// A server of another version may say more than this; what is missing is filled in.
const problemSchema = z.object({
  code: z.string().regex(/^[a-z]+(?:-[a-z0-9]+)*$/),
  title: z.string().default('The server refused the request'),
  detail: z.string().default(''),
  next: z.string().default('Look at the log of the server.'),
})

/**
 * Sends with the endpoint's token over kept-alive connections. Resolves for 2xx and 304 only: a problem document rejects
 * as a `Fault` with the server's own code and advice, silence as `server-unreachable`, anything else as
 * `answer-not-understood`. A redirect is not followed, because the token would be.
 */
export const makeSend =
  (endpoint: Endpoint): Send =>
  async ({ path, signal, headers, method, body }) => {
    const response = await fetch(endpoint.url + path, {
      method,
      headers: { authorization: `Bearer ${endpoint.token}`, ...headers },
      redirect: 'manual',
      ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((cause: unknown) => {
      throw signal?.aborted ? signal.reason : cliFault('server-unreachable', reasonOf(endpoint.url, cause), { cause })
    })
    if (response.ok || response.status === 304) return response
    throw await faultOf(response, endpoint.url)
  }

const reasonOf = (url: string, error: unknown): string => {
  const { cause } = error as { cause?: NodeJS.ErrnoException }
  return `${url}: ${cause?.code ?? cause?.message ?? 'no connection'}`
}

const faultOf = async (response: Response, url: string): Promise<Fault> => {
  const parsed = problemSchema.safeParse(await response.json().catch(() => null))
  if (!parsed.success) return cliFault('answer-not-understood', `${url} answered ${response.status}`)
  const { code, detail, title, next } = parsed.data
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new Fault(
    code,
    { status: response.status, title: printable(title), next: printable(next) },
    printable(detail),
    Number.isNaN(retryAfter) ? {} : { retryAfter },
  )
}

/** The body as `schema` has it, or `answer-not-understood`. */
export const readAnswer = async <S extends z.ZodType>(response: Response, schema: S): Promise<z.output<S>> => {
  const parsed = schema.safeParse(await response.json().catch(() => null))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw cliFault('answer-not-understood', `${response.url}: ${issue?.path.join('.') || 'body'} (${issue?.code})`)
}
