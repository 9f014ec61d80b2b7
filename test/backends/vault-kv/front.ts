import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Passing {
  readonly method: string
  readonly url: string
  readonly token: string
  readonly body: string
}

/** What becomes of one request: passed on (after whatever was awaited), with another address or not, or cut off. */
export type Fate = 'pass' | 'cut' | { readonly url: string }

/**
 * A front before the real server, as a network that holds requests back, loses them, or a server that lacks something.
 * A request goes on although its client has given up: what was sent is on its way.
 */
export async function front(
  t: TestContext,
  target: string,
  decide: (request: Passing) => Promise<Fate> | Fate,
): Promise<string> {
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString('utf8')
    const passing = {
      method: request.method ?? '',
      url: request.url ?? '',
      token: String(request.headers['x-vault-token']),
      body,
    }
    const fate = await decide(passing)
    if (fate === 'cut') return request.socket.destroy()
    const url = new URL(fate === 'pass' ? passing.url : fate.url, target)
    const path = fate === 'pass' ? passing.url : `${url.pathname}${url.search}`
    const passed = http.request({
      host: url.hostname,
      port: url.port,
      path,
      method: passing.method,
      headers: { ...request.headers, host: url.host },
    })
    passed.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    passed.end(body)
    return undefined
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
