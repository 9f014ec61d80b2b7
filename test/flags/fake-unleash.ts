import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

type Reply = { readonly status: number; readonly body?: string } | 'hang' | 'reset'

/** The client API of an Unleash server, as far as the wire shows it: features with an ETag, and every way to fail. */
export async function fakeUnleash(t: TestContext, token: string) {
  let features: unknown = null
  let revision = 0
  let reply: Reply | null = null
  const requests: { readonly status: number | string }[] = []
  const arrivals = new EventTarget()

  const answer = (response: ServerResponse, authorised: boolean, etag: string | undefined): number | string => {
    if (reply === 'hang') return 'hang'
    if (reply === 'reset') {
      response.destroy()
      return 'reset'
    }
    const current = `"${revision}"`
    const status = reply?.status ?? (authorised ? (etag === current ? 304 : 200) : 401)
    const body = reply === null ? JSON.stringify(features) : (reply.body ?? '')
    response.writeHead(status, { 'content-type': 'application/json', etag: current })
    response.end(status === 304 ? undefined : body)
    return status
  }

  const server = createServer((request, response) => {
    const status = answer(response, request.headers.authorization === token, request.headers['if-none-match'])
    requests.push({ status })
    arrivals.dispatchEvent(new Event('request'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    requests,
    /** What the server holds from now on. */
    hold: (document: unknown) => {
      features = document
      revision += 1
    },
    /** Answers like this instead; null: as a server that is well. */
    misbehave: (next: Reply | null) => {
      reply = next
    },
    /** Resolves at the next request with this outcome. */
    requested: (status: number | string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (requests.at(-1)?.status !== status) return
          arrivals.removeEventListener('request', look)
          resolve()
        }
        arrivals.addEventListener('request', look)
      }),
  }
}
