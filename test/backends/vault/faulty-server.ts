import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

/** What a request was, as it came over the wire. */
export interface Received {
  readonly method: string
  readonly target: string
  readonly token: string | null
  readonly body: string
}

export type Handler = (request: Received, response: ServerResponse) => void

export interface FaultyServer {
  readonly url: string
  /** All but those about the token, which are answered well. */
  readonly received: readonly Received[]
  /** Tokens that came, those of logins too. */
  readonly tokens: ReadonlySet<string>
  /** Connections that were ever made. */
  connections(): number
  handle(next: Handler): void
}

const LOOK_UP = '/v1/auth/token/lookup-self'

/** A server that lets a client log in, and then answers as it is told to. */
export async function faultyServer(t: TestContext, first: Handler = answer(204)): Promise<FaultyServer> {
  let handler = first
  let connections = 0
  const received: Received[] = []
  const tokens = new Set<string>()
  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request: Received = {
      method: message.method ?? '',
      target: message.url ?? '',
      token: message.headers['x-vault-token']?.toString() ?? null,
      body: await text(message),
    }
    if (request.token !== null) tokens.add(request.token)
    if (request.target === LOOK_UP) answer(200, '{"data":{"ttl":0,"renewable":false}}')(request, response)
    else {
      received.push(request)
      handler(request, response)
    }
  }
  const server = createServer((message, response) => void serve(message, response)).listen(0, '127.0.0.1')
  server.on('connection', (socket) => {
    connections += 1
    socket.on('error', () => {})
  })
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    tokens,
    connections: () => connections,
    handle: (next) => {
      handler = next
    },
  }
}

export function answer(status: number, body = '', headers: Readonly<Record<string, string>> = {}): Handler {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body)
  }
}

/** Writes these bytes where an answer is expected, then ends the connection. */
export const raw =
  (bytes: string): Handler =>
  (_, response) => {
    response.socket?.end(bytes)
  }

export const reset: Handler = (_, response) => {
  response.socket?.resetAndDestroy()
}
