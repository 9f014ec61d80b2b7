import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { systemClock } from '../../../core/clock.ts'
import { makeTurns } from '../../../proxy/core/turns.ts'
import { SECRET } from './with-core.ts'

const OTHER = { ...SECRET, name: 'other' }

/** Turns whose patience ends when the test says so, and writers that end when it says so. */
function opened(most = 10) {
  const patience: (() => void)[] = []
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        patience.push(resolve)
        signal?.addEventListener('abort', () => reject(signal.reason))
      }),
  }
  const turns = makeTurns({ clock, most, patience: 1000 })
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const writer = (name: string, options: { readonly signal?: AbortSignal; readonly address?: typeof SECRET } = {}) =>
    turns.take(
      options.address ?? SECRET,
      () => {
        begun.push(name)
        return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
      },
      options.signal,
    )
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.()
    await turn()
  }
  return { writer, begun, end, patience }
}

test('writers of one secret come one after the other as they arrived, those of another do not wait', async () => {
  const { writer, begun, end } = opened()
  const all = ['a', 'b', 'c'].map((name) => writer(name))
  all.push(writer('x', { address: OTHER }))
  await turn()
  assert.deepEqual(begun, ['a', 'x'])
  await end('a')
  const late = writer('d')
  await end('b')
  assert.deepEqual(begun, ['a', 'x', 'b', 'c'])
  for (const name of ['c', 'd', 'x']) await end(name)
  assert.deepEqual(await Promise.all([...all, late]), ['a', 'b', 'c', 'x', 'd'])
})

test('a writer that fails lets the next one in', async () => {
  const turns = makeTurns({ clock: systemClock, most: 10, patience: 60_000 })
  const failed = turns.take(SECRET, async () => Promise.reject(new Error('it failed')))
  const next = turns.take(SECRET, async () => 'done')
  await assert.rejects(failed, /it failed/)
  assert.equal(await next, 'done')
})

test('whose client leaves, or whose patience ends, is not begun; those behind move up', async () => {
  const { writer, begun, end, patience } = opened()
  const client = new AbortController()
  const first = writer('a')
  const left = assert.rejects(writer('b', { signal: client.signal }), { code: 'operation-in-progress', retryAfter: 1 })
  const tired = assert.rejects(writer('c'), { code: 'operation-in-progress' })
  const last = writer('d')
  client.abort()
  await left
  patience[1]?.()
  await tired
  await end('a')
  await end('d')
  assert.deepEqual([await first, await last, begun], ['a', 'd', ['a', 'd']])
})

test('more than may wait are refused at once, with a code of their own', async () => {
  const { writer, end } = opened(1)
  const [a, b] = [writer('a'), writer('b')]
  await assert.rejects(writer('c'), { code: 'too-many-writers', status: 429, retryAfter: 1 })
  await end('a')
  await end('b')
  assert.deepEqual(await Promise.all([a, b]), ['a', 'b'])
})
