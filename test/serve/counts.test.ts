import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCounting, totalOf } from '../../bin/serve/counts.ts'
import { NO_COUNTS } from '../../ledger/postgres/progress.ts'

/** A counting of integrations of these many rows, on a clock that the test drives. */
function withCounting(rows: Readonly<Record<string, number>>) {
  let now = 0
  const asked: string[][] = []
  const answers: (() => void)[] = []
  const counting = makeCounting({
    clock: { monotonic: () => now, wall: () => now, sleep: async () => {} },
    large: 1000,
    count: async (integrations) => {
      asked.push([...integrations])
      await new Promise<void>((resolve) => answers.push(resolve))
      const of = (name: string) =>
        new Map([['general', { ...NO_COUNTS, discovered: (rows[name] ?? 0) + asked.length }]])
      return new Map(integrations.map((name) => [name, of(name)]))
    },
  })
  return {
    asked,
    pass: (ms: number) => {
      now += ms
    },
    /** Lets everything that is being counted be counted. */
    answer: async () => {
      for (const one of answers.splice(0)) one()
      await new Promise((resolve) => setImmediate(resolve))
    },
    look: async (names: readonly string[]) => {
      const counted = await counting.of(names)
      return Object.fromEntries([...counted].map(([name, one]) => [name, [one.at, totalOf(one).discovered]]))
    },
  }
}

test('a small integration is counted at every look', async () => {
  const { asked, answer, look } = withCounting({ small: 10 })
  for (const n of [11, 12]) {
    const seen = look(['small'])
    await answer()
    assert.deepEqual(await seen, { small: [null, n] })
  }
  assert.deepEqual(asked, [['small'], ['small']])
})

test('a large integration is not counted again for ten seconds, and then behind what is shown', async () => {
  const { asked, pass, answer, look } = withCounting({ large: 5000, small: 10 })
  const first = look(['large', 'small'])
  await answer()
  assert.deepEqual(await first, { large: [0, 5001], small: [null, 11] })

  pass(9999)
  assert.deepEqual(await look(['large']), { large: [0, 5001] })
  assert.equal(asked.length, 1)

  pass(1)
  assert.deepEqual(await look(['large']), { large: [0, 5001] }, 'nobody waits')
  assert.deepEqual(await look(['large']), { large: [0, 5001] }, 'and one look counts for all')
  assert.deepEqual(asked, [['large', 'small'], ['large']])
  await answer()
  assert.deepEqual(await look(['large']), { large: [10_000, 5002] })
})

test('figures of a large integration that are older than a minute are not shown', async () => {
  const { pass, answer, look } = withCounting({ large: 5000 })
  const first = look(['large'])
  await answer()
  await first
  pass(60_000)
  const later = look(['large'])
  await answer()
  assert.deepEqual(await later, { large: [60_000, 5002] })
})
