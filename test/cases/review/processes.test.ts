import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { stringify } from 'yaml'
import { mintToken } from '../../../access/token.ts'
import { privateRedis } from '../../ledger/private-redis.ts'
import { needs } from '../../support/parts.ts'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'
import { isAlive, serveProcess } from '../support/process.ts'

const SQL = `
create table t (customer text, name text, value text not null, primary key (customer, name));
insert into t values ('acme', 'token', 'v');
`
const redis = needs('redis-server')

async function socketTo(url: string): Promise<Socket> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  return socket
}

caseOf(
  ['review', '14'],
  'a signal ends the process within its deadline, whatever clients hold',
  { timeout: 60_000 },
  async (t) => {
    const home = await makeHome(t, { sql: SQL, edit: (config) => ({ ...config, shutdown_deadline: '3s' }) })
    const proxy = await serveProcess(t, home)
    const head = `PUT /api/v1/secrets/aws/acme/half HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${home.tokens.client}\r\n`
    const held = await socketTo(proxy.clients)
    held.write(`${head}content-length: 100\r\n\r\nhalf`)
    held.on('error', () => undefined)
    const idle = await socketTo(proxy.operators)
    idle.write('GET /metr')
    idle.on('error', () => undefined)
    // Both are there before the signal.
    assert.equal((await fetch(`${proxy.clients}/api/v1/openapi.json`)).status, 200)
    const asked = performance.now()
    proxy.child.kill('SIGTERM')
    assert.equal(await proxy.ended, 0)
    assert.ok(performance.now() - asked < 30_000)
    assert.deepEqual(await home.query(`select name from t`), [{ name: 'token' }], 'the half was not stored')
  },
)

/** Bytes that no client library sends; none may end a process, or leave a caller without an answer. */
const ODD = [
  'GET // HTTP/1.1',
  'GET //a//b HTTP/1.1',
  'GET http://[::bad/ HTTP/1.1',
  'GET http://x/livez HTTP/1.1',
  'GET /\\\\evil/x HTTP/1.1',
  'GET /%zz HTTP/1.1',
  'GET /a/../../readyz HTTP/1.1',
  'GET /%2e%2e/%2e%2e HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'GET /api/v1/ops/explain/aws/%00 HTTP/1.1',
  'POST /api/v1/ops/rollback HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded',
  'POST // HTTP/1.1\r\ntransfer-encoding: chunked',
  'TRACE / HTTP/1.1',
  'CONNECT x:1 HTTP/1.1',
  'GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade',
  'GET /readyz HTTP/1.1\r\nhost: y',
  'GET /?a=%00 HTTP/3.7',
  'nonsense',
] as const

async function answerTo(url: string, first: string): Promise<string> {
  const socket = await socketTo(url)
  socket.on('error', () => undefined)
  socket.end(`${first}\r\nhost: x\r\nconnection: close\r\n\r\n`)
  return text(socket).catch(() => 'reset')
}

const withBus = async (t: Parameters<typeof privateRedis>[0]) => {
  const { url } = await privateRedis(t, redis.path)
  return makeHome(t, { sql: SQL, edit: (config) => ({ ...config, bus: { url }, shutdown_deadline: '10s' }) })
}

caseOf(
  ['review', '1'],
  'no request ends a process, with workers or without',
  { skip: redis.skip, timeout: 120_000 },
  async (t) => {
    const home = await withBus(t)
    for (const argv of [[], ['--workers', '2']]) {
      const proxy = await serveProcess(t, home, ...argv)
      for (const url of [proxy.operators, proxy.clients])
        for (const first of ODD) {
          const answer = await answerTo(url, first)
          if (answer.startsWith('HTTP/1.1 4') || answer.startsWith('HTTP/1.1 5'))
            assert.match(answer, /application\/problem\+json/, `${first}: ${answer}`)
          assert.doesNotMatch(answer, /^HTTP\/1\.1 500/, first)
        }
      assert.ok(isAlive(proxy.child.pid as number))
      assert.equal((await fetch(`${proxy.operators}/livez`)).status, 200)
      assert.equal((await fetch(`${proxy.operators}/metrics`)).status, 200)
      const read = await fetch(`${proxy.clients}/api/v1/secrets/aws/acme/token`, {
        headers: { authorization: `Bearer ${home.tokens.client}` },
      })
      assert.equal(await read.text(), 'v')
      proxy.child.kill('SIGTERM')
      assert.equal(await proxy.ended, 0, proxy.said())
    }
  },
)

caseOf(
  ['review', '2'],
  'a token that was taken out of its file ends with a reload, and a new one begins',
  { timeout: 60_000 },
  async (t) => {
    const home = await makeHome(t, { sql: SQL })
    const proxy = await serveProcess(t, home)
    const statusOf = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(`${proxy.clients}/api/v1/secrets/aws/acme/token`, { headers })).status
    }
    const reload = async (said: RegExp): Promise<void> => {
      const before = proxy.said().length
      proxy.child.kill('SIGHUP')
      while (!said.test(proxy.said().slice(before))) await once(proxy.child.stderr, 'data')
    }
    assert.equal(await statusOf(home.tokens.client), 200)
    const other = mintToken({ name: 'other', roles: ['client'] }, (size) =>
      crypto.getRandomValues(new Uint8Array(size)),
    )
    home.keep('tokens.yaml', stringify([other.entry]))
    assert.equal(await statusOf(home.tokens.client), 200, 'before the reload')
    await reload(/configuration reloaded; changed: tokens/)
    assert.equal(await statusOf(home.tokens.client), 401)
    assert.equal(await statusOf(other.token), 200)
    home.keep('tokens.yaml', 'nonsense')
    await reload(/not reloaded.*tokens-file-invalid/)
    assert.equal(await statusOf(other.token), 200, 'the tokens of before stand')
  },
)
