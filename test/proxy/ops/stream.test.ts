import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { liveMessage } from '../../../proxy/ops/live-messages.ts'
import { STREAM_PATH } from '../../../proxy/ops/stream.ts'
import { withOperators } from './with-operators.ts'

type Operators = Awaited<ReturnType<typeof withOperators>>

/** Reads it as the page does. */
async function watch({ port, tokenOf }: Operators, who: Parameters<Operators['tokenOf']>[0] = 'viewer') {
  const response = await fetch(`http://127.0.0.1:${port}${STREAM_PATH}`, {
    headers: { authorization: `Bearer ${tokenOf(who)}` },
  })
  const lines = createInterface({ input: Readable.fromWeb(response.body as never) })[Symbol.asyncIterator]()
  return { response, lines }
}

async function untilBeat(lines: AsyncIterator<string>): Promise<readonly string[]> {
  const kinds: string[] = []
  while (kinds.at(-1) !== 'beat') kinds.push(liveMessage.parse(JSON.parse((await lines.next()).value)).kind)
  return kinds
}

test('the stream is the whole picture, line by line, in the shape that its schema says', async (t) => {
  const { response, lines } = await watch(await withOperators(t))
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson; charset=utf-8')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.deepEqual(await untilBeat(lines), [
    'caps',
    'latencies',
    'flags',
    'debts',
    'replicas',
    'mismatches',
    'events',
    'beat',
  ])
  await lines.return?.()
})

test('it ends when the server stops, which waits for nobody that watches', async (t) => {
  const operators = await withOperators(t)
  const { lines } = await watch(operators)
  await untilBeat(lines)
  await operators.app.close()
  for (let line = await lines.next(); !line.done; line = await lines.next()) liveMessage.parse(JSON.parse(line.value))
})

test('a viewer may watch, a client may not, nor a token that is bound to some integrations, nor nobody', async (t) => {
  const operators = await withOperators(t)
  const { call, tokenOf } = operators
  for (const who of ['client', 'awsOperator'] as const)
    assert.equal((await call({ path: STREAM_PATH, token: tokenOf(who) })).status, 403, who)
  assert.equal((await call({ path: STREAM_PATH, token: null })).status, 401)
  assert.equal((await call({ path: STREAM_PATH, method: 'POST' })).headers.allow, 'GET')
})

test('a token that was taken away is told nothing more', async (t) => {
  const operators = await withOperators(t)
  const { lines } = await watch(operators)
  await untilBeat(lines)
  operators.deps.tokens.replace([])
  assert.equal((await lines.next()).done, true)
})

test('whoami says who a token is and what it may do here', async (t) => {
  const { call, tokenOf } = await withOperators(t)
  const who = async (token: string) => JSON.parse((await call({ path: '/api/v1/ops/whoami', token })).text)
  assert.deepEqual(await who(tokenOf('viewer')), { name: 'viewer', may: ['view'] })
  assert.deepEqual(await who(tokenOf('operator')), { name: 'operator', may: ['view', 'operate'] })
})

test('the page is served without a token, and its policy lets nothing in from elsewhere and runs nothing inline', async (t) => {
  const { call } = await withOperators(t)
  const { status, headers } = await call({ path: '/', token: null })
  assert.equal(status, 200)
  const policy = String(headers['content-security-policy'])
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/)
  assert.doesNotMatch(policy, /unsafe|http|\*/)
  assert.equal((await call({ path: '/', method: 'POST', token: null })).headers.allow, 'GET')
})
