import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address } from '../../backends/secret.ts'
import type { Side } from '../../core/side.ts'
import { ledgerFault } from '../../ledger/faults.ts'
import { readDue } from '../../ledger/postgres/owing.ts'
import { takeInventory } from '../../migrator/inventory.ts'
import type { Pace } from '../../migrator/pace/pace.ts'
import { makeSettler, type SettlerDeps } from '../../migrator/settler.ts'
import { at, INTEGRATION, names, secretOf, unwatched, withMigrator } from './with-migrator.ts'

const none = { kind: 'none' } as const
type TestContext = Parameters<typeof withMigrator>[0]

/** A settler that never wakes by itself: its pauses end with a nudge. */
async function withSettler(t: TestContext, overrides: Partial<SettlerDeps> = {}) {
  const under = await withMigrator(t)
  let wanted: Side | null | 'none' = null
  const pauses: (() => void)[] = []
  const clock = {
    ...under.deps.clock,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        signal?.addEventListener('abort', () => resolve(), { once: true })
        pauses.shift()?.()
      }),
  }
  const deps: SettlerDeps = {
    ...under.deps,
    clock,
    enrolled: () => [INTEGRATION],
    wanted: () => wanted,
    due: (all) => readDue(under.database, all),
    metrics: under.metrics,
    concurrency: under.settings.concurrency,
    settler: under.settings.settler,
    ...overrides,
  }
  const settler = makeSettler(deps)
  t.after(() => settler.stop())
  return {
    ...under,
    settler,
    want: (next: typeof wanted) => {
      wanted = next
    },
    /** Resolves when the settler next has nothing to do. */
    paused: () => new Promise<void>((resolve) => pauses.push(resolve)),
  }
}

test('the settler settles what writes leave behind, and is woken by a nudge', async (t) => {
  const { settler, core, held, paused } = await withSettler(t)
  const first = paused()
  settler.start()
  await first
  await core.secrets.write(at('a'), secretOf('v1'), none)
  await core.lazy.flush()
  assert.equal((await held(at('a'))).new, null)
  const second = paused()
  settler.nudge()
  await second
  assert.deepEqual(await held(at('a')), { legacy: 'v1', new: 'v1' })
})

test('debts that a phase leaves on purpose are left', async (t) => {
  const { settler, core, want } = await withSettler(t)
  core.setPhase('off')
  await core.secrets.write(at('in-off'), secretOf('v1'), none)
  core.setPhase('complete')
  await core.secrets.write(at('in-complete'), secretOf('v1'), none)
  await core.lazy.flush()
  want('none')
  assert.equal(await settler.round(), 0)
  want('new')
  assert.equal(await settler.round(), 1)
  assert.equal((await core.ledger.ask(at('in-off'))).row?.fresh, 'legacy')
  assert.equal((await core.ledger.ask(at('in-complete'))).row?.fresh, 'both')
  want('legacy')
  assert.equal(await settler.round(), 1)
  assert.equal(await settler.round(), 0)
})

test('the settler outlives a ledger that is away, counts it, and goes on', async (t) => {
  let away = true
  const { settler, core, held, registry, paused, database } = await withSettler(t, {
    due: (all) => {
      if (away) throw ledgerFault('ledger-unavailable', 'away')
      return readDue(database, all)
    },
  })
  await core.secrets.write(at('a'), secretOf('v1'), none)
  await core.lazy.flush()
  const first = paused()
  settler.start()
  await first
  away = false
  assert.equal(await settler.round(), 1)
  assert.deepEqual(await held(at('a')), { legacy: 'v1', new: 'v1' })
  const metrics = await registry.metrics()
  assert.match(metrics, /crossfade_settles_total\{result="equal"\} 1/)
  assert.match(metrics, /crossfade_settler_errors_total 1/)
})

test('a stop waits for the pass on its way', async (t) => {
  const { settler, core, stores, held } = await withSettler(t)
  await core.secrets.write(at('a'), secretOf('v1'), none)
  await core.lazy.flush()
  let stopped: Promise<void> | undefined
  stores.new.gate('putMany', (real, ...args) => {
    stopped = settler.stop()
    return real(...args)
  })
  settler.start()
  while (stopped === undefined) await new Promise((resolve) => setImmediate(resolve))
  await stopped
  assert.deepEqual(await held(at('a')), { legacy: 'v1', new: 'v1' })
  assert.equal((await core.ledger.ask(at('a'))).row?.fresh, 'both')
})

test('what was never copied goes at the pace, and live debts do not wait for it', async (t) => {
  const asked: string[] = []
  const end = () => undefined
  let now: number | null = 2
  const pace: Pace = {
    take: async () => assert.fail('the settler waits for no rate'),
    tryTake: () => {
      asked.push('paced')
      return now === null ? null : { secrets: now, end }
    },
    place: async (_integration, most) => {
      asked.push('urgent')
      return { secrets: most, end }
    },
    throttledBy: () => null,
  }
  const { settler, core, seed, deps, held, rows } = await withSettler(t, { pace, batch: 3 })
  await seed(names(9))
  await takeInventory(deps, INTEGRATION, unwatched())
  assert.equal(await settler.round(), 3)
  assert.equal(await settler.round(), 2)
  now = null
  assert.equal(await settler.round(), 0)
  const copied = (await rows()).find((row) => row.fresh === 'both')?.name
  const live = names(9).find(({ name }) => name === copied) as Address
  await core.secrets.write(live, secretOf('v2'), none)
  await core.lazy.flush()
  now = 1
  assert.equal(await settler.round(), 1)
  assert.deepEqual(await held(live), { legacy: 'v2', new: 'v2' })
  assert.equal(await settler.round(), 3)
  assert.deepEqual(asked, ['urgent', 'paced', 'paced', 'paced', 'urgent'])
})
