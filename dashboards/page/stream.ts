import type { LiveMessage } from '../../proxy/ops/live-messages.ts'
import type { Problem } from './api.ts'
import { problemOf } from './api.ts'

/*
 * Reads the live stream for as long as the page is open, and asks again when it ends. The token goes in a header, which
 * EventSource could not send.
 */
export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'lost' }
  /** The token does not serve; nothing is asked again. */
  | { readonly kind: 'refused'; readonly problem: Problem }

export interface WatchOptions {
  readonly token: string
  readonly signal: AbortSignal
  /** All messages of one look; `whole`: the first of a connection, which is the whole picture. */
  readonly onLook: (messages: readonly LiveMessage[], whole: boolean) => void
  readonly onConnection: (connection: Connection) => void
}

const STREAM = '/api/v1/ops/stream'
/** ms before it is asked again: at first, and at most. */
const AGAIN = { first: 500, most: 10_000 } as const
/** ms without a beat after which the connection is taken for dead. */
const SILENCE = 30_000

export async function watch({ token, signal, onLook, onConnection }: WatchOptions): Promise<void> {
  let wait: number = AGAIN.first
  while (!signal.aborted) {
    let whole = true
    const outcome = await once(token, signal, (messages) => {
      wait = AGAIN.first
      onConnection({ kind: 'live' })
      onLook(messages, whole)
      whole = false
    }).catch((): null => null)
    if (signal.aborted) return
    if (outcome !== null) {
      onConnection({ kind: 'refused', problem: outcome })
      return
    }
    onConnection({ kind: 'lost' })
    await pause(wait, signal)
    wait = Math.min(AGAIN.most, wait * 2)
  }
}

/** A problem if the server will not have it; null when it ended. */
async function once(
  token: string,
  signal: AbortSignal,
  onLook: (messages: readonly LiveMessage[]) => void,
): Promise<Problem | null> {
  const silent = new AbortController()
  const response = await fetch(STREAM, {
    headers: { authorization: `Bearer ${token}` },
    cache: 'no-store',
    signal: AbortSignal.any([signal, silent.signal]),
  })
  if (response.status === 401 || response.status === 403) return problemOf(response)
  if (!response.ok || response.body === null) return null
  let look: LiveMessage[] = []
  let timer = setTimeout(() => silent.abort(), SILENCE)
  try {
    for await (const line of linesOf(response.body)) {
      const message = JSON.parse(line) as LiveMessage
      look.push(message)
      if (message.kind !== 'beat') continue
      clearTimeout(timer)
      timer = setTimeout(() => silent.abort(), SILENCE)
      onLook(look)
      look = []
    }
  } finally {
    clearTimeout(timer)
  }
  return null
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const lines = (rest + value).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const stop = (): void => {
      clearTimeout(timer)
      resolve()
    }
    signal.addEventListener('abort', stop, { once: true })
  })
