import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startRelay } from './relay.ts'

/** A server that echoes, and a relay before it. */
async function withEcho(t: TestContext) {
  const heard: string[] = []
  const server = new EventEmitter()
  const echo = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      heard.push(String(chunk))
      server.emit('heard')
      socket.write(chunk)
    })
  }).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const relay = await startRelay((echo.address() as AddressInfo).port)
  t.after(async () => {
    await relay.close()
    echo.close()
  })
  const connect = async (): Promise<Socket> => {
    const client = createConnection({ port: relay.port, host: '127.0.0.1' })
    await once(client, 'connect')
    // Whoever expects a reset awaits it; the rest are reset at the end of the test.
    client.on('error', () => {})
    return client
  }
  return { relay, heard, server, connect }
}

const answer = async (client: Socket): Promise<string> => String((await once(client, 'data'))[0])

test('what was sent while the relay hung arrives when it passes again, also on a new connection', async (t) => {
  const { relay, heard, connect } = await withEcho(t)
  const client = await connect()
  client.write('one')
  assert.equal(await answer(client), 'one')
  relay.set({ kind: 'hang' })
  const another = await connect()
  client.write('two')
  another.write('three')
  assert.deepEqual(heard, ['one'])
  relay.set({ kind: 'pass' })
  assert.deepEqual(await Promise.all([answer(client), answer(another)]), ['two', 'three'])
})

test('a relay that refuses resets open connections', async (t) => {
  const { relay, connect } = await withEcho(t)
  const client = await connect()
  client.write('one')
  await answer(client)
  relay.set({ kind: 'refuse' })
  const [error] = await once(client, 'error')
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
})

test('late answers keep their order when the relay passes again', async (t) => {
  const { relay, server, connect } = await withEcho(t)
  const client = await connect()
  relay.set({ kind: 'late', delay: 100 })
  const started = performance.now()
  const first = once(server, 'heard')
  client.write('one ')
  let got = ''
  client.on('data', (chunk) => {
    got += String(chunk)
  })
  await first
  // The answer is on its way back by now; the next one comes after it.
  const second = once(server, 'heard')
  client.write('two')
  await second
  relay.set({ kind: 'pass' })
  while (got.length < 7) await once(client, 'data')
  assert.equal(got, 'one two')
  assert.ok(performance.now() - started >= 95)
})

test('a cut connection ends in the middle of an answer to a request that was carried out', async (t) => {
  const { relay, heard, connect } = await withEcho(t)
  const client = await connect()
  client.write('one')
  await answer(client)
  relay.set({ kind: 'cut' })
  let got = ''
  client.on('data', (chunk) => {
    got += String(chunk)
  })
  client.write('answer')
  await once(client, 'error')
  assert.deepEqual(heard, ['one', 'answer'])
  assert.ok(got.length < 'answer'.length)
})
