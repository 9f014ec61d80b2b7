import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makeDrivenClock } from '../../access/driven-clock.ts'
import { answer, faultyServer, type Handler } from './faulty-server.ts'
import { inShort, openClient, tokenAuth } from './with-client.ts'

const LIMITED = '{"errors":["request path: rate limit quota exceeded"]}'

async function open(t: TestContext, retryAfter: string | null) {
  const limited: Handler = answer(429, LIMITED, retryAfter === null ? {} : { 'retry-after': retryAfter })
  const server = await faultyServer(t, limited)
  const clock = makeDrivenClock()
  const { client } = openClient(t, { address: server.url, auth: await tokenAuth(t) }, clock)
  const write = (ms: number) =>
    client.request({ method: 'POST', path: ['kv', 'x'], body: '{}' }, { deadline: clock.monotonic() + ms })
  /** Until so many requests have come. */
  const came = async (count: number): Promise<void> => {
    while (server.received.length < count || client.pause() === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return { server, clock, client, write, came }
}

const WAITS: Readonly<Record<string, readonly [retryAfter: string | null, ms: number]>> = {
  seconds: ['3', 3000],
  'a date': [new Date(1_700_000_003_000).toUTCString(), 3000],
  'no time at all': ['0', 200],
  nothing: [null, 200],
  'what nobody understands': ['soon', 200],
  'a whole day': ['86400', 300_000],
}

for (const [what, [retryAfter, ms]] of Object.entries(WAITS)) {
  test(`a server that is asked too often and says ${what} is asked again after ${ms} ms, and not before`, async (t) => {
    const { server, clock, client, write, came } = await open(t, retryAfter)
    const outcome = write(ms * 2)
    await came(1)
    assert.equal(client.pause(), ms)
    server.handle(answer(204))
    await clock.advance(ms - 1)
    assert.equal(server.received.length, 1)
    await clock.advance(1)
    assert.equal(inShort(await outcome), 'answer 204')
    assert.deepEqual([server.received.length, client.pause()], [2, 0])
  })
}

test('a call that has less time than the server wants is refused at once, and is no failure of the server', async (t) => {
  const { server, client, write } = await open(t, '3')
  assert.equal(inShort(await write(2999)), 'refused throttled')
  assert.deepEqual([server.received.length, client.pause()], [1, 3000])
})
