import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADDRESS, QUIET, secretOf, withShadow } from './with-shadow.ts'

test('equal sides are counted, and nothing is recorded', async () => {
  const { hold, served, shadow, count, recorded } = withShadow()
  await hold('new', secretOf('a'))
  served(secretOf('a'))
  await shadow.flush()
  assert.equal(await count('comparisons', 'equal'), 1)
  assert.equal(await count('queued'), 0)
  assert.deepEqual(recorded, [])
})

test('a difference that stays while nothing is written is recorded with its class and fingerprints, never a value', async () => {
  const { hold, served, judge, count, recorded, registry } = withShadow()
  await hold('legacy', secretOf('hunter2'))
  await hold('new', secretOf('hunter3'))
  served(secretOf('hunter2'))
  await judge()
  assert.equal(await count('comparisons', 'mismatch'), 1)
  assert.equal(await count('mismatches', 'value'), 1)
  assert.equal(recorded[0]?.class, 'value')
  assert.deepEqual(recorded[0]?.address, ADDRESS)
  assert.match(String(recorded[0]?.fingerprints.legacy), /^[\w-]{43}$/)
  assert.notEqual(recorded[0]?.fingerprints.legacy, recorded[0]?.fingerprints.new)
  assert.doesNotMatch(JSON.stringify(recorded) + (await registry.metrics()), /hunter/)
})

test('what one side lacks, and metadata alone, have their own classes', async () => {
  for (const [legacy, fresh, wanted] of [
    [secretOf('a'), null, 'missing_in_new'],
    [null, secretOf('a'), 'extra_in_new'],
    [secretOf('a', { team: 'x' }), secretOf('a', { team: 'y' }), 'metadata'],
  ] as const) {
    const { hold, served, judge, recorded } = withShadow()
    if (legacy !== null) await hold('legacy', legacy)
    if (fresh !== null) await hold('new', fresh)
    served(legacy)
    await judge()
    assert.deepEqual(
      recorded.map((mismatch) => mismatch.class),
      [wanted],
    )
  }
})

test('a write that was on its way is no mismatch: the sides are equal after the grace period', async () => {
  const { hold, served, settled, judge, count, recorded } = withShadow()
  await hold('legacy', secretOf('b'))
  await hold('new', secretOf('a'))
  served(secretOf('b'))
  await settled()
  await hold('new', secretOf('b'))
  await judge()
  assert.equal(await count('comparisons', 'equal'), 1)
  assert.deepEqual(recorded, [])
})

test('a difference during which the row moved, or something is open, is not judged', async () => {
  const moved = (() => {
    let version = 1
    return () => ({ ...QUIET, version: version++ })
  })()
  for (const row of [moved, () => ({ ...QUIET, open: 1 })]) {
    const { hold, served, judge, count, recorded, setRow } = withShadow()
    await hold('legacy', secretOf('b'))
    await hold('new', secretOf('a'))
    setRow(row)
    served(secretOf('b'))
    await judge()
    assert.equal(await count('inconclusive', 'changed'), 1)
    assert.deepEqual(recorded, [])
  }
})

test('a side that owes, and a secret that the ledger does not know yet, are debts and not mismatches', async () => {
  for (const row of [() => ({ ...QUIET, fresh: 'legacy' as const }), () => null]) {
    const { hold, served, shadow, count, setRow } = withShadow()
    await hold('legacy', secretOf('b'))
    setRow(row)
    served(secretOf('b'))
    await shadow.flush()
    assert.equal(await count('inconclusive', 'owing'), 1)
    assert.equal(await count('mismatches'), 0)
  }
})

test('an outage of the shadow side compares nothing and records nothing', async () => {
  const { stores, served, shadow, count, recorded } = withShadow()
  stores.new.troubleReads(true)
  served(secretOf('a'))
  await shadow.flush()
  assert.equal(await count('inconclusive', 'store_error'), 1)
  assert.equal(await count('mismatches'), 0)
  assert.deepEqual(recorded, [])
})

test('a ledger or a recorder that fails leaves the comparison inconclusive', async () => {
  const { hold, served, shadow, count, setRow } = withShadow()
  await hold('legacy', secretOf('a'))
  setRow(() => {
    throw new Error('no ledger')
  })
  served(secretOf('a'))
  await shadow.flush()
  assert.equal(await count('inconclusive', 'inconclusive'), 1)
})

test('a mismatch that this replica recorded is resolved once the sides are equal', async () => {
  const { hold, served, judge, shadow, recorded, resolved } = withShadow()
  await hold('legacy', secretOf('a'))
  served(secretOf('a'))
  await judge()
  assert.equal(recorded.length, 1)
  await hold('new', secretOf('a'))
  for (let i = 0; i < 2; i += 1) {
    served(secretOf('a'))
    await shadow.flush()
  }
  assert.deepEqual(resolved, [ADDRESS])
})

test('a full queue drops and counts; the caller never waits and the store is not read before the reply', async () => {
  const { stores, served, shadow, count } = withShadow({ concurrency: 1, queue: 2 })
  let reads = 0
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  stores.new.beforeRead(() => {
    reads += 1
    return gate
  })
  for (let i = 0; i < 5; i += 1) served(null)
  assert.equal(reads, 0)
  assert.equal(await count('dropped'), 2)
  release()
  await shadow.flush()
  assert.equal(await count('comparisons', 'equal'), 3)
  assert.equal(await count('queued'), 0)
})

test('close ends grace periods, drops what waits and takes no more', async () => {
  const { hold, served, settled, shadow, count, recorded } = withShadow()
  await hold('legacy', secretOf('a'))
  served(secretOf('a'))
  await settled()
  await shadow.close()
  served(secretOf('a'))
  await shadow.flush()
  assert.equal(await count('inconclusive', 'inconclusive'), 1)
  assert.equal(await count('comparisons'), 0)
  assert.equal(await count('queued'), 0)
  assert.deepEqual(recorded, [])
})
