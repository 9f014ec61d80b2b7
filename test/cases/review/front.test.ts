import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Registry } from 'prom-client'
import { makePrimaryFront } from '../../../bin/serve/primary-front.ts'
import { caseOf } from '../support/case.ts'

const log = { info: () => undefined, error: () => undefined }

/** The front of workers before one that does what the test says. */
async function frontOf(t: TestContext, worker: RequestListener): Promise<string> {
  const upstream = createServer(worker).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.after(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const operators = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const workers = () => [{ crossfade: 'serving' as const, clients: '', operators }]
  const app = await makePrimaryFront({ workers, registry: new Registry(), log, newId: () => 'id' })
  t.after(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

caseOf(
  ['review', '17'],
  'a worker that dies in mid-answer ends the answer, and one that dies before is a 503',
  { timeout: 20_000 },
  async (t) => {
    const url = await frontOf(t, (request, response) => {
      if (request.url === '/before') return void request.socket.destroy()
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.write('half')
      setImmediate(() => response.destroy())
    })
    const half = await fetch(`${url}/api/v1/ops/stream`)
    assert.equal(half.status, 200)
    await assert.rejects(half.text(), 'the end is seen, and is no end')
    const before = await fetch(`${url}/before`)
    assert.equal(before.status, 503)
    assert.equal(before.headers.get('content-type'), 'application/problem+json')
    assert.equal(before.headers.get('retry-after'), '1')
    assert.equal(((await before.json()) as { code: string }).code, 'worker-unavailable')
  },
)

caseOf(
  ['review', '17'],
  'what a worker answers comes through as it is, also its refusals, and bodies arrive byte for byte',
  {},
  async (t) => {
    let seen = 0
    const url = await frontOf(t, async (request, response) => {
      seen += 1
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      response.writeHead(503, { 'retry-after': '7', 'x-path': request.url ?? '', 'content-type': 'a/b' })
      response.end(Buffer.concat(chunks))
    })
    const body = Buffer.from([0, 255, 10, 13])
    const answer = await fetch(`${url}/api/v1/ops/x%20y?after=%2F`, { method: 'POST', body })
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), body)
    assert.deepEqual(
      [
        answer.status,
        answer.headers.get('retry-after'),
        answer.headers.get('x-path'),
        answer.headers.get('content-type'),
      ],
      [503, '7', '/api/v1/ops/x%20y?after=%2F', 'a/b'],
    )
    assert.equal(seen, 1, 'nothing is asked twice')
  },
)
