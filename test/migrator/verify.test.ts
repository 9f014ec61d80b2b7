import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VerifyResult } from '../../migrator/verify-page.ts'
import { otherwise } from '../support/answers.ts'
import { backfill, takeInventory, verify } from './whole-stages.ts'
import {
  at,
  INTEGRATION,
  type MigratorOptions,
  names,
  secretOf,
  skippingClock,
  unwatched,
  withMigrator,
} from './with-migrator.ts'

const none = { kind: 'none' } as const

type TestContext = Parameters<typeof withMigrator>[0]

async function copied(t: TestContext, count: number, options: MigratorOptions = {}) {
  const under = await withMigrator(t, options)
  await under.seed(names(count))
  await takeInventory(under.deps, INTEGRATION, unwatched())
  await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())
  return under
}

const found = ({ mismatches }: VerifyResult) => Object.fromEntries(Object.entries(mismatches).filter(([, n]) => n > 0))

test('equal sides are verified, all of them, and the progress reaches its total', async (t) => {
  const under = await copied(t, 120, { batch: 25 })
  const seen: (readonly [number, number | null])[] = []
  const watch = { ...unwatched(), progress: (done: number, total: number | null) => seen.push([done, total]) }
  const result = await verify(under.deps, INTEGRATION, watch)
  assert.deepEqual([result.kind, result.checked, result.equal, result.owing], ['done', 120, 120, 0])
  assert.deepEqual(found(result), {})
  assert.equal((await under.deps.counts(INTEGRATION)).verified, 120)
  assert.deepEqual(seen.at(-1), [120, 120])
})

test('verify finds exactly what was changed behind its back, names each class, and stores no value', async (t) => {
  const under = await copied(t, 60, { batch: 7 })
  await under.core.secrets.remove(at('key-0009', 'customer-0'), none)
  await under.core.lazy.flush()
  await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())
  const of = (i: number) => names(60)[i] ?? at('none')
  const text = (i: number) => secretOf(`value of ${of(i).name}`)
  await under.plant('new', of(0), secretOf('CANARY-value'))
  await under.plant('legacy', of(1), secretOf('CANARY-value'))
  await under.plant('new', of(2), null)
  await under.plant('legacy', of(3), null)
  await under.plant('new', of(4), { ...text(4), metadata: { team: 'CANARY-metadata' } })
  await under.plant('legacy', of(5), { ...text(5), contentType: 'application/CANARY' })
  for (const side of ['legacy', 'new'] as const) await under.plant(side, of(6), secretOf('CANARY-both'))
  await under.plant('legacy', of(9), secretOf('CANARY-resurrected'))
  await under.plant('legacy', at('unheard-of'), secretOf('CANARY-unknown'))
  await under.plant('new', at('unheard-of-in-new'), secretOf('CANARY-unknown'))
  under.stores.new.gate('getMany', async (real, addresses, call) =>
    otherwise(addresses, await real(addresses, call), (outcome, { name }) =>
      name === of(7).name ? { kind: 'unreadable', reason: 'undecryptable', version: '1' } : outcome,
    ),
  )
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual(found(result), {
    value: 2,
    missing_in_new: 2,
    extra_in_new: 1,
    metadata: 2,
    out_of_band: 3,
    undecryptable: 1,
  })
  assert.deepEqual([result.kind, result.equal, result.owing, result.quarantined], ['done', 51, 0, 0])
  const open = await under.mismatches.list(INTEGRATION, true, 100)
  assert.deepEqual(Object.fromEntries(open.map((m) => [m.name, m.class])), {
    [of(0).name]: 'value',
    [of(1).name]: 'value',
    [of(2).name]: 'missing_in_new',
    [of(3).name]: 'extra_in_new',
    [of(4).name]: 'metadata',
    [of(5).name]: 'metadata',
    [of(6).name]: 'out_of_band',
    [of(7).name]: 'undecryptable',
    [of(9).name]: 'missing_in_new',
    'unheard-of': 'out_of_band',
    'unheard-of-in-new': 'out_of_band',
  })
  const [dump] = await under.database.query<{ text: string }>(
    null,
    `select (select jsonb_agg(m)::text from crossfade.mismatch m) || (select jsonb_agg(s)::text from crossfade.secret s) as text`,
    [],
  )
  assert.doesNotMatch(dump?.text ?? 'CANARY', /CANARY/)
})

test('a difference takes the mark of being verified away, and its end closes the record', async (t) => {
  const under = await copied(t, 10)
  const [first] = names(10)
  assert.ok(first)
  await verify(under.deps, INTEGRATION, unwatched())
  await under.plant('new', first, secretOf('wrong'))
  await verify(under.deps, INTEGRATION, unwatched())
  const during = await under.deps.counts(INTEGRATION)
  assert.deepEqual([during.verified, during.mismatched], [9, 1])
  await under.plant('new', first, secretOf(`value of ${first.name}`))
  await verify(under.deps, INTEGRATION, unwatched())
  const after = await under.deps.counts(INTEGRATION)
  assert.deepEqual([after.verified, after.mismatched], [10, 0])
  assert.equal((await under.mismatches.list(INTEGRATION, false, 10))[0]?.resolvedAt === null, false)
})

test('a write that lands between the two reads is no mismatch', async (t) => {
  const under = await copied(t, 10)
  const [first] = names(10)
  assert.ok(first)
  under.core.setPhase('dualwrite')
  let looks = 0
  // Legacy is read with the old value, then the write lands on both sides, then new is read.
  let landed: Promise<unknown> = Promise.resolve()
  under.stores.legacy.gate('getMany', async (real, ...args) => {
    const outcomes = await real(...args)
    if (looks++ === 0) landed = under.core.secrets.write(first, secretOf('second'), none)
    await landed
    await under.core.lazy.flush()
    return outcomes
  })
  under.stores.new.gate('getMany', async (real, ...args) => {
    while (looks === 0) await new Promise((resolve) => setImmediate(resolve))
    await landed
    return real(...args)
  })
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([result.equal, found(result)], [10, {}])
})

test('a secret that changes at every look is owing, not a mismatch', async (t) => {
  const under = await copied(t, 5)
  const [first] = names(5)
  assert.ok(first)
  under.core.setPhase('dualwrite')
  let writes = 0
  under.stores.new.gate('getMany', async (real, addresses, call) => {
    const outcomes = await real(addresses, call)
    if (!addresses.some((address) => address.name === first.name)) return outcomes
    await under.core.secrets.write(first, secretOf(`write ${++writes}`), none)
    await under.core.lazy.flush()
    // As if new had been read long before.
    return otherwise(addresses, outcomes, (outcome, { name }) =>
      name === first.name ? { kind: 'absent', deleted: false, fence: null } : outcome,
    )
  })
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([result.owing, result.equal, found(result)], [1, 4, {}])
})

test('a secret that somebody holds at the first look is verified at the next one', async (t) => {
  const under = await copied(t, 5)
  await under.core.secrets.write(at('key-0000', 'customer-0'), secretOf('owed'), none)
  await under.core.lazy.flush()
  const query = { integration: INTEGRATION, source: null, limit: 10, lease: 60_000 }
  const [held] = await under.core.ledger.claim(query)
  assert.ok(held)
  // The settler that holds it ends while the others are compared.
  under.stores.new.gate('getMany', async (real, ...args) => {
    under.stores.new.gate('getMany', null)
    await under.core.ledger.settled([
      { op: held.op, address: held.address, result: { kind: 'later', reason: 'driven' } },
    ])
    await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())
    return real(...args)
  })
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([result.equal, result.owing, found(result)], [5, 0, {}])
})

test('debts and quarantined secrets are counted as such, not compared', async (t) => {
  const under = await copied(t, 5)
  await under.core.secrets.write(at('key-0000', 'customer-0'), secretOf('owed'), none)
  await under.core.secrets.write(at('tampered'), secretOf('through the proxy'), none)
  await under.core.lazy.flush()
  await under.plant('legacy', at('tampered'), secretOf('behind its back'))
  await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())
  await under.core.secrets.write(at('key-0001', 'customer-1'), secretOf('owed'), none)
  await under.core.lazy.flush()
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([result.equal, result.owing, result.quarantined, found(result)], [4, 1, 1, {}])
})

test('a store that does not answer ends verify as partial, with no mismatch, and the next one is complete', async (t) => {
  const under = await copied(t, 30, { batch: 10, clock: skippingClock() })
  under.core.stores.new.troubleReads(true)
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([result.kind, result.reason, found(result)], ['partial', 'a store did not answer', {}])
  under.core.stores.new.troubleReads(false)
  const next = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([next.kind, next.equal], ['done', 30])
})

test('an error of one secret that does not pass is a store error of that secret', async (t) => {
  const under = await copied(t, 10)
  under.stores.new.gate('getMany', async (real, addresses, call) =>
    otherwise(addresses, await real(addresses, call), (outcome, { name }) =>
      name === 'key-0003' ? { kind: 'error', reason: 'denied', passing: false } : outcome,
    ),
  )
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([result.equal, found(result)], [9, { store_error: 1 }])
})

test('what a name that bypassed the proxy holds is counted until it is settled', async (t) => {
  const under = await copied(t, 3)
  await under.plant('legacy', at('newcomer'), secretOf('bypassed'))
  await verify(under.deps, INTEGRATION, unwatched())
  assert.equal((await under.deps.counts(INTEGRATION)).left, 1)
  await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([result.equal, found(result)], [4, {}])
  assert.deepEqual(await under.mismatches.list(INTEGRATION, true, 10), [])
})

test('nothing can be verified before an inventory', async (t) => {
  const under = await withMigrator(t)
  await assert.rejects(verify(under.deps, INTEGRATION, unwatched()), { code: 'stage-refused' })
})
