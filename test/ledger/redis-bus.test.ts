import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { systemClock } from '../../core/clock.ts'
import type { BusMessage } from '../../ledger/bus.ts'
import { type BusEvent, makeRedisBus, type RedisBus } from '../../ledger/redis/bus.ts'
import { retryWait } from '../../ledger/redis/connection.ts'
import { decodeMessage, encodeMessage } from '../../ledger/redis/messages.ts'
import { needs } from '../support/parts.ts'
import { privateRedis } from './private-redis.ts'

const redis = needs('redis-server')
const CHANNEL = 'crossfade:test'
const PATIENCE = 20_000
const ADDRESS = { integration: 'aws', customer: 'acme', name: 'api/key' }
const STRIKE: BusMessage = { kind: 'strike', from: 'a', address: ADDRESS, seq: 3 }

interface Listening {
  readonly bus: RedisBus
  readonly messages: BusMessage[]
  readonly events: BusEvent[]
  /** The next message of this kind. */
  message(kind: BusMessage['kind']): Promise<BusMessage>
  hearing(hears: boolean): Promise<void>
}

async function listening(t: TestContext, url: string, id: string, password: string | null = null): Promise<Listening> {
  const messages: BusMessage[] = []
  const events: BusEvent[] = []
  let wake = Promise.withResolvers<void>()
  const changed = (): void => {
    wake.resolve()
    wake = Promise.withResolvers()
  }
  const bus = makeRedisBus({
    id,
    url,
    password,
    heartbeat: 100,
    clock: systemClock,
    random: Math.random,
    onEvent: (event) => {
      events.push(event)
      changed()
    },
  })
  bus.onMessage((message) => {
    messages.push(message)
    changed()
  })
  t.after(() => bus.close())
  await bus.open(CHANNEL, PATIENCE)
  return {
    bus,
    messages,
    events,
    message: async (kind) => {
      for (;;) {
        const found = messages.findIndex((message) => message.kind === kind)
        if (found >= 0) return messages.splice(found, 1)[0] as BusMessage
        await wake.promise
      }
    },
    hearing: async (hears) => {
      while (bus.hears() !== hears) await wake.promise
    },
  }
}

const limits = { skip: redis.skip, timeout: 60_000 }

test('what one replica says is heard by every replica, itself included', limits, async (t) => {
  const { url } = await privateRedis(t, redis.path)
  const [a, b] = [await listening(t, url, 'a'), await listening(t, url, 'b')]
  assert.ok(a.bus.hears() && b.bus.hears())
  const debts: BusMessage = { kind: 'debts', from: 'a', id: 'r1', debts: [{ address: ADDRESS, fresh: 'new', seq: 2 }] }
  a.bus.publish(debts)
  assert.deepEqual(await b.message('debts'), debts)
  assert.deepEqual(await a.message('debts'), debts)
})

test('what is no message is counted and dropped, and the next one is heard', limits, async (t) => {
  const { url } = await privateRedis(t, redis.path)
  const a = await listening(t, url, 'a')
  const stranger = new Redis(url)
  t.after(() => stranger.disconnect())
  const wrong = [
    '',
    'null',
    '{"kind":"strike"}',
    '{"kind":"strike","from":"x","address":{},"seq":-1}',
    '{"kind":"other"}',
  ]
  for (const text of wrong) await stranger.publish(CHANNEL, text)
  await stranger.publish(CHANNEL, encodeMessage(STRIKE))
  assert.deepEqual(await a.message('strike'), STRIKE)
  const malformed = a.events.filter((event) => event.kind === 'dropped' && event.why === 'malformed')
  assert.equal(malformed.length, wrong.length)
})

test('a Redis that is killed ends hearing, nothing waits for it, and hearing returns with it', limits, async (t) => {
  const server = await privateRedis(t, redis.path)
  const [a, b] = [await listening(t, server.url, 'a'), await listening(t, server.url, 'b')]
  await server.kill()
  await Promise.all([a.hearing(false), b.hearing(false)])
  const wasOffline = () => a.events.some((event) => event.kind === 'dropped' && event.why === 'offline')
  // The connection that publishes may hear of it a moment after the one that listens.
  for (let turn = 0; turn < 10_000 && !wasOffline(); turn += 1) {
    a.bus.publish(STRIKE)
    await nextTurn()
  }
  assert.ok(wasOffline())
  await server.start()
  await Promise.all([a.hearing(true), b.hearing(true)])
  assert.deepEqual(b.messages, [], 'nothing was queued while it was away')
  a.bus.publish({ ...STRIKE, seq: 4 })
  assert.deepEqual(await b.message('strike'), { ...STRIKE, seq: 4 })
})

test('a Redis that keeps its connections and answers nothing ends hearing, too', limits, async (t) => {
  const server = await privateRedis(t, redis.path)
  const a = await listening(t, server.url, 'a')
  server.freeze()
  await a.hearing(false)
  server.thaw()
  await a.hearing(true)
})

test('a network that swallows packets ends hearing, and a new connection brings it back', limits, async (t) => {
  const server = await privateRedis(t, redis.path)
  const hole = await swallowing(t, server.port)
  const a = await listening(t, `redis://127.0.0.1:${hole.port}`, 'a')
  hole.swallow(true)
  await a.hearing(false)
  hole.swallow(false)
  await a.hearing(true)
})

test('a start without Redis waits no longer than its patience, and hears when Redis comes', limits, async (t) => {
  const server = await privateRedis(t, redis.path)
  await server.kill()
  const events: BusEvent[] = []
  const heard = Promise.withResolvers<void>()
  const bus = makeRedisBus({
    id: 'a',
    url: server.url,
    password: null,
    heartbeat: 100,
    clock: systemClock,
    random: Math.random,
    onEvent: (event) => events.push(event),
  })
  t.after(() => bus.close())
  await bus.open(CHANNEL, 50)
  assert.equal(bus.hears(), false)
  bus.onHearing((hears) => hears && heard.resolve())
  await server.start()
  await heard.promise
  assert.equal(bus.hears(), true)
})

test('the password goes to Redis, and a wrong one is nothing heard rather than a failure', limits, async (t) => {
  const server = await privateRedis(t, redis.path, 'open-sesame')
  const a = await listening(t, server.url, 'a', 'open-sesame')
  assert.equal(a.bus.hears(), true)
  const wrong = makeRedisBus({
    id: 'b',
    url: server.url,
    password: 'wrong',
    heartbeat: 100,
    clock: systemClock,
    random: Math.random,
  })
  t.after(() => wrong.close())
  await wrong.open(CHANNEL, 300)
  assert.equal(wrong.hears(), false)
})

test('every message survives its encoding, and a newer replica may say more', () => {
  const messages: readonly BusMessage[] = [
    { kind: 'debts', from: 'a', id: 'r', debts: [{ address: ADDRESS, fresh: 'legacy', seq: 0 }] },
    { kind: 'acknowledged', from: 'b', id: 'r' },
    STRIKE,
    { kind: 'look', from: 'a', what: 'integrations' },
    { kind: 'look', from: 'a', what: 'caps', id: 'r', caps: [{ phase: 'off' }] },
  ]
  for (const message of messages) {
    assert.deepEqual(decodeMessage(encodeMessage(message)), message)
    assert.deepEqual(decodeMessage(JSON.stringify({ ...message, later: 1 })), message)
  }
})

test('attempts to connect grow apart, up to two seconds, and never come all at once', () => {
  for (let attempt = 1; attempt <= 60; attempt += 1) {
    const most = Math.min(50 * 2 ** (attempt - 1), 2000)
    assert.equal(
      retryWait(attempt, () => 0),
      most / 2,
    )
    assert.equal(
      retryWait(attempt, () => 1),
      most,
    )
  }
})

/** A relay that can swallow everything: no packet comes, and no connection is closed. */
async function swallowing(t: TestContext, upstream: number) {
  let swallows = false
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const onward = connect(upstream, '127.0.0.1')
    for (const [from, to] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => swallows || to.write(chunk))
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    swallow: (on: boolean) => {
      swallows = on
    },
  }
}
