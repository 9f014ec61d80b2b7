import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/**
 * What a relay does with a request: sends it on (`as`: with another token), answers by itself, resets the connection, or
 * never answers.
 */
export type RelayAnswer =
  | { readonly kind: 'pass'; readonly as?: string }
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }

export interface HttpRelay {
  readonly url: string
  set(next: RelayAnswer): void
  /** Resolves at the end of the next request that came after this call. */
  asked(): Promise<void>
}

/** An HTTP relay in front of a server, closed with the test. Connections are not kept, so that each request meets `set`. */
export async function startHttpRelay(t: TestContext, upstream: string): Promise<HttpRelay> {
  let mode: RelayAnswer = { kind: 'pass' }
  const arrivals = new EventTarget()
  const server = createServer((request, response) => {
    response.on('close', () => arrivals.dispatchEvent(new Event('asked')))
    relay(request, response, mode, upstream).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      mode = next
    },
    asked: async () => {
      await once(arrivals, 'asked')
    },
  }
}

async function relay(request: IncomingMessage, response: ServerResponse, mode: RelayAnswer, upstream: string) {
  if (mode.kind === 'hang') return
  if (mode.kind === 'reset') return void response.destroy()
  if (mode.kind === 'answer') return void response.writeHead(mode.status, CLOSE).end(mode.body)
  const { authorization = '', 'if-none-match': etag, 'unleash-client-spec': spec } = request.headers
  const sent = { authorization: mode.as ?? authorization, 'unleash-client-spec': String(spec ?? '') }
  const headers = etag === undefined ? sent : { ...sent, 'if-none-match': etag }
  const answer = await fetch(`${upstream}${request.url}`, { headers })
  const back = answer.headers.get('etag')
  response.writeHead(answer.status, back === null ? CLOSE : { ...CLOSE, etag: back }).end(await answer.text())
}

const CLOSE = { connection: 'close', 'content-type': 'application/json' } as const
