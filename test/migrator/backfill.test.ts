import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answersTo, itself } from '../../backends/answers.ts'
import type { PutOutcome, PutRequest } from '../../backends/store.ts'
import { toldOtherwise } from '../support/answers.ts'
import { backfill, takeInventory } from './whole-stages.ts'
import {
  at,
  INTEGRATION,
  type MigratorOptions,
  names,
  secretOf,
  skippingClock,
  unpaced,
  unwatched,
  withMigrator,
} from './with-migrator.ts'

const forward = { integration: INTEGRATION, source: 'legacy' } as const
const none = { kind: 'none' } as const

type TestContext = Parameters<typeof withMigrator>[0]

async function inventoried(t: TestContext, count: number, options: MigratorOptions = {}) {
  const under = await withMigrator(t, options)
  await under.seed(names(count))
  await takeInventory(under.deps, INTEGRATION, unwatched())
  return under
}

test('backfill copies everything once, in batches, and says how far it is', async (t) => {
  const under = await inventoried(t, 120, { batch: 20 })
  const batches: number[] = []
  under.stores.new.gate('putMany', (real, puts, call) => {
    batches.push(puts.length)
    return real(puts, call)
  })
  const seen: (readonly [number, number | null])[] = []
  const watch = { ...unwatched(), progress: (done: number, total: number | null) => seen.push([done, total]) }
  const result = await backfill(under.deps, forward, watch)
  assert.deepEqual([result.kind, result.left, result.settled.equal, result.reason], ['done', 0, 120, null])
  assert.deepEqual(batches, [20, 20, 20, 20, 20, 20])
  assert.deepEqual(seen.at(-1), [120, 120])
  for (const address of names(120)) {
    const text = `value of ${address.name}`
    assert.deepEqual(await under.held(address), { legacy: text, new: text })
  }
  assert.equal((await under.deps.counts(INTEGRATION)).copied, 120)
})

test('a backfill that was stopped goes on with what is left', async (t) => {
  const under = await inventoried(t, 100, { batch: 10 })
  const stop = new AbortController()
  const watch = { ...unwatched(stop.signal), progress: () => stop.abort(new Error('stopped')) }
  await assert.rejects(backfill(under.deps, forward, watch), { message: 'stopped' })
  const { left } = await under.deps.counts(INTEGRATION)
  assert.ok(left > 0 && left < 100, `${left} left`)
  const result = await backfill(under.deps, forward, unwatched())
  assert.deepEqual([result.kind, result.settled.equal], ['done', left])
})

test('two backfills at once never fight: every secret is put once', async (t) => {
  const under = await inventoried(t, 100, { batch: 7 })
  const puts: string[] = []
  under.stores.new.gate('putMany', (real, requests, call) => {
    puts.push(...requests.map((request) => request.address.name))
    return real(requests, call)
  })
  const [a, b] = await Promise.all([
    backfill(under.deps, forward, unwatched()),
    backfill(under.deps, forward, unwatched()),
  ])
  assert.deepEqual([a.kind, b.kind], ['done', 'done'])
  assert.equal(a.settled.equal + b.settled.equal, 100)
  assert.deepEqual(
    puts.sort(),
    names(100)
      .map((address) => address.name)
      .sort(),
  )
})

test('a write that lands between the read and the copy is what both sides hold in the end', async (t) => {
  for (const phase of ['off', 'dualwrite', 'live', 'complete'] as const) {
    const under = await inventoried(t, 10)
    under.core.setPhase(phase)
    const [raced] = names(10)
    assert.ok(raced)
    let writes = 0
    under.stores.new.gate('putMany', async (real, puts, call) => {
      if (writes++ === 0) await under.core.secrets.write(raced, secretOf(`written in ${phase}`), none)
      return real(puts, call)
    })
    const result = await backfill(under.deps, { integration: INTEGRATION, source: null }, unwatched())
    await under.core.lazy.flush()
    await backfill(under.deps, { integration: INTEGRATION, source: null }, unwatched())
    assert.equal(result.kind, 'done')
    assert.deepEqual(await under.held(raced), { legacy: `written in ${phase}`, new: `written in ${phase}` })
  }
})

test('a secret that is deleted while it is copied stays deleted', async (t) => {
  for (const phase of ['off', 'dualwrite', 'complete'] as const) {
    const under = await inventoried(t, 10, { versions: { legacy: 'fenced', new: 'fenced' } })
    under.core.setPhase(phase)
    const [raced] = names(10)
    assert.ok(raced)
    let writes = 0
    under.stores.new.gate('putMany', async (real, puts, call) => {
      if (writes++ === 0) await under.core.secrets.remove(raced, none)
      return real(puts, call)
    })
    await backfill(under.deps, { integration: INTEGRATION, source: null }, unwatched())
    await under.core.lazy.flush()
    await backfill(under.deps, { integration: INTEGRATION, source: null }, unwatched())
    assert.deepEqual(await under.held(raced), { legacy: null, new: null }, phase)
    assert.equal(await under.core.served('live', raced), null)
    assert.equal(await under.core.served('off', raced), null)
    assert.equal((await under.deps.counts(INTEGRATION)).tombstones, 1)
  }
})

test('reverse carries what only new has to legacy, and leaves the other debts alone', async (t) => {
  const under = await inventoried(t, 3)
  under.core.setPhase('complete')
  await under.core.secrets.write(at('late'), secretOf('only new'), none)
  await under.core.lazy.flush()
  const result = await backfill(under.deps, { integration: INTEGRATION, source: 'new' }, unwatched())
  assert.deepEqual([result.kind, result.settled.equal, result.left], ['done', 1, 0])
  assert.deepEqual(await under.held(at('late')), { legacy: 'only new', new: 'only new' })
  assert.equal((await under.deps.counts(INTEGRATION)).left, 3)
})

test('a value changed behind the row is never copied, is quarantined, and the backfill ends done', async (t) => {
  const under = await inventoried(t, 5)
  await under.core.secrets.write(at('tampered'), secretOf('through the proxy'), none)
  await under.core.lazy.flush()
  await under.plant('legacy', at('tampered'), secretOf('behind its back'))
  const result = await backfill(under.deps, forward, unwatched())
  assert.deepEqual([result.kind, result.settled.quarantine, result.settled.equal], ['done', 1, 5])
  assert.equal((await under.held(at('tampered'))).new, null)
  assert.deepEqual((await under.rows()).map((row) => row.quarantine).filter(Boolean), ['out_of_band'])
})

test('a value that new held before, and that is not the legacy one, is quarantined as foreign and kept', async (t) => {
  const under = await withMigrator(t)
  await under.seed([at('same'), at('other')])
  await under.plant('new', at('same'), secretOf('value of same'))
  await under.plant('new', at('other'), secretOf('of somebody else'))
  await takeInventory(under.deps, INTEGRATION, unwatched())
  const result = await backfill(under.deps, forward, unwatched())
  assert.deepEqual([result.kind, result.settled.equal, result.settled.quarantine], ['done', 1, 1])
  assert.deepEqual(await under.held(at('other')), { legacy: 'value of other', new: 'of somebody else' })
  assert.equal(await under.core.served('live', at('other')), 'value of other')
})

test('a write ends a quarantine, and both sides are equal after the next backfill', async (t) => {
  const under = await withMigrator(t)
  await under.seed([at('other')])
  await under.plant('new', at('other'), secretOf('of somebody else'))
  await takeInventory(under.deps, INTEGRATION, unwatched())
  await backfill(under.deps, forward, unwatched())
  await under.core.secrets.write(at('other'), secretOf('mine now'), none)
  await under.core.lazy.flush()
  await backfill(under.deps, forward, unwatched())
  assert.deepEqual(await under.held(at('other')), { legacy: 'mine now', new: 'mine now' })
  assert.equal((await under.deps.counts(INTEGRATION)).quarantined, 0)
})

test('a store that keeps refusing ends the backfill as partial, and it says which side and why', async (t) => {
  const under = await inventoried(t, 30, { clock: skippingClock(), batch: 10 })
  under.core.stores.new.troubleWrites('denied')
  const result = await backfill(under.deps, forward, unwatched())
  assert.deepEqual([result.kind, result.left, result.reason], ['partial', 30, 'target: denied'])
})

test('one secret that keeps being refused does not keep the others from being copied', async (t) => {
  const under = await inventoried(t, 30, { clock: skippingClock(), batch: 10 })
  under.stores.new.gate('putMany', async (real, puts, call) => {
    const outcomes = await real(puts, call)
    return toldOtherwise(puts, outcomes, (outcome, { address }) =>
      address.name === 'key-0007' ? { kind: 'refused', reason: 'denied' } : outcome,
    )
  })
  const result = await backfill(under.deps, forward, unwatched())
  assert.deepEqual([result.kind, result.left, result.settled.equal], ['partial', 1, 29])
})

test('a store that comes back is gone on with', async (t) => {
  const under = await inventoried(t, 30, { batch: 10 })
  under.core.stores.new.troubleWrites('refused')
  const waits: string[] = []
  const watch = {
    ...unwatched(),
    waiting: (what: readonly string[]) => {
      waits.push(...what)
      if (what.length > 0) under.core.stores.new.troubleWrites(null)
    },
  }
  const result = await backfill(under.deps, forward, watch)
  assert.deepEqual([result.kind, result.left, result.settled.equal], ['done', 0, 30])
  assert.ok(waits.includes('target: unavailable'))
})

test('writers that never pause do not keep a backfill from ending', async (t) => {
  const under = await inventoried(t, 40, { batch: 10 })
  let writing = true
  let written = 0
  const writer = async (): Promise<void> => {
    while (writing) {
      written += 1
      await under.core.secrets.write(at(`live-${written % 5}`), secretOf(`write ${written}`), none)
    }
  }
  const writers = [writer(), writer()]
  const result = await backfill(under.deps, forward, unwatched())
  writing = false
  await Promise.all(writers)
  assert.equal(result.kind, 'done')
  assert.ok(result.settled.equal >= 40)
  const { copied } = await under.deps.counts(INTEGRATION)
  assert.ok(copied >= 40, `${copied} copied`)
})

test('a store that is too slow for a batch gets smaller ones until it keeps up', async (t) => {
  const under = await inventoried(t, 100, { batch: 64 })
  const sizes: number[] = []
  under.stores.new.gate('putMany', async (real, puts, call) => {
    sizes.push(puts.length)
    return puts.length > 20
      ? answersTo<PutRequest, PutOutcome>(puts, itself, () => ({ kind: 'refused', reason: 'late' }))
      : real(puts, call)
  })
  const result = await backfill({ ...under.deps, pace: unpaced(1) }, forward, unwatched())
  assert.deepEqual([result.kind, result.left, result.settled.equal], ['done', 0, 100])
  assert.deepEqual(sizes.slice(0, 3), [64, 32, 4])
})
