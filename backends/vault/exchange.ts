/**
 * One request and its answer on a pool of connections to one node. undici's `dispatch` sends the path byte for byte
 * (`fetch` and `request(url)` resolve dot segments, encoded ones too), and `onRequestStart` comes just before the first
 * byte is written: what fails earlier was surely not sent. One request at a time on a connection, so that none shares
 * another's broken connection.
 */
import type { Dispatcher, Pool } from 'undici'
import { no, unsure } from '../failure.ts'
import { type VaultFailure, vaultFailure } from './request.ts'

export interface Message {
  readonly method: string
  /** Path and query as they go on the wire. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | null
}

export interface Answer {
  readonly kind: 'answer'
  readonly status: number
  readonly location: string | null
  /** As the server wrote it. */
  readonly retryAfter: string | null
  readonly body: Buffer
}
export type Reply = Answer | VaultFailure

/** More than any answer that a caller asks for; a server's own limit of a request is 32 MiB. */
const MAX_BODY = 64 * 1024 * 1024

/** Thrown before a request is written, so that its connection stays as it is. */
const LEFT = new Error('its caller has left')

export function exchange(pool: Pool, message: Message, signal: AbortSignal): Promise<Reply> {
  const { promise, resolve } = Promise.withResolvers<Reply>()
  let started: Dispatcher.DispatchController | null = null
  let over = false
  const settle = (reply: Reply): void => {
    over = true
    signal.removeEventListener('abort', giveUp)
    resolve(reply)
  }
  const giveUp = (): void => {
    if (over) return
    settle(started ? vaultFailure(unsure('timeout'), 'no answer in time') : NEVER_SENT)
    started?.abort(LEFT)
  }
  if (signal.aborted) return Promise.resolve(NEVER_SENT)
  signal.addEventListener('abort', giveUp)
  const gathered = gather()
  pool.dispatch(optionsOf(message), {
    onRequestStart: (controller) => {
      if (over) throw LEFT
      started = controller
    },
    onResponseStart: (_, status, headers) => gathered.head(status, headers),
    onResponseData: (controller, chunk) => {
      if (gathered.add(chunk)) return
      settle(vaultFailure(unsure('protocol'), `an answer of more than ${MAX_BODY} bytes`))
      controller.abort(LEFT)
    },
    onResponseEnd: () => settle(gathered.answer()),
    onResponseError: (_, error) => settle(failureOf(error, started !== null)),
  })
  return promise
}

const NEVER_SENT = vaultFailure(no('unavailable', true), 'no connection was free in time')

const optionsOf = ({ method, target, headers, body }: Message): Dispatcher.DispatchOptions => ({
  method: method as Dispatcher.HttpMethod,
  path: target,
  headers: { ...headers },
  body,
  // The caller's signal is the only limit of time.
  headersTimeout: 0,
  bodyTimeout: 0,
})

const oneOf = (header: string | string[] | undefined): string | null => (typeof header === 'string' ? header : null)

function gather() {
  const chunks: Buffer[] = []
  let size = 0
  let status = 0
  let location: string | null = null
  let retryAfter: string | null = null
  return {
    head: (code: number, headers: Readonly<Record<string, string | string[] | undefined>>): void => {
      status = code
      location = oneOf(headers['location'])
      retryAfter = oneOf(headers['retry-after'])
    },
    /** False: too much. */
    add: (chunk: Buffer): boolean => {
      size += chunk.byteLength
      chunks.push(chunk)
      return size <= MAX_BODY
    },
    answer: (): Answer => ({ kind: 'answer', status, location, retryAfter, body: Buffer.concat(chunks) }),
  }
}

/** Not HTTP, or not the length that was announced. */
const isProtocol = (code: string): boolean =>
  /^(HTTPParserError|HPE_|UND_ERR_(?!SOCKET|CONNECT|ABORTED|CLOSED|DESTROYED))/.test(code)

/** Only the code of an error is kept, or its name: its message may quote what was sent. */
function failureOf(error: Error & { readonly code?: unknown }, sent: boolean): VaultFailure {
  const code = typeof error.code === 'string' ? error.code : error.name
  if (!sent) return vaultFailure(no('unavailable', true), code)
  return vaultFailure(unsure(isProtocol(code) ? 'protocol' : 'connection-lost'), code)
}
