import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ANY, type Store } from '../../backends/store.ts'
import { makeKeysPort } from '../../bin/ops/keys.ts'
import { systemClock } from '../../core/clock.ts'
import { address, call, secret } from '../backends/checks/check.ts'
import { memorySubject } from '../backends/subjects.ts'
import { withSealed } from '../backends/with-sealed.ts'
import { withOperators } from '../proxy/ops/with-operators.ts'
import { lastObject, privateFile, runInProcess, temporaryFolder } from './run-crossfade.ts'

/** The verbs over the real operators' port and a real sealed store. */
async function withKeys(t: TestContext) {
  const { store, pool, replica, exchangeRoot } = await withSealed(t)
  const events: { readonly kind: string; readonly detail: unknown }[] = []
  const all = new Map<string, Store>([
    ['vaulted', store],
    ['homegrown', await memorySubject('plain')()],
  ])
  const keys = makeKeysPort({
    stores: { all, pairs: () => assert.fail('no pair is asked for'), judge: async () => {}, close: async () => {} },
    clock: systemClock,
    journal: { append: async (event) => void events.push(event), list: async () => [], since: async () => [] },
  })
  const { port, tokenOf, audited } = await withOperators(t, [], { keys })
  const folder = temporaryFolder(t)
  const run = (argv: readonly string[], who: 'operator' | 'viewer' | 'awsOperator' = 'operator') => {
    const token = privateFile(folder, who, tokenOf(who))
    return runInProcess(['--url', `http://127.0.0.1:${port}`, '--token-file', token, '--json', 'keys', ...argv], folder)
  }
  return { store, pool, replica, exchangeRoot, run, audited, events, all }
}

const EXECUTE = ['--execute', '--reason', 'offboarding']
const put = (store: Store, customer: string) => store.put(address('aws', 'token', customer), secret('a'), ANY, call())
const kindOf = async (store: Store, customer: string) =>
  (await store.get(address('aws', 'token', customer), call())).kind

test('revoke is a dry run until --execute, then refuses the customer, and restore takes it back', async (t) => {
  const { store, run, audited, events } = await withKeys(t)
  await put(store, 'acme')
  const dry = await run(['revoke', 'vaulted', '--customer', 'acme'])
  assert.equal(dry.exit, 0)
  assert.deepEqual(lastObject(dry), {
    executed: false,
    store: 'vaulted',
    customer: 'acme',
    active: 1,
    revoked: 0,
    destroyed: 0,
    rows: 1,
  })
  assert.equal(await kindOf(store, 'acme'), 'found')
  const revoked = await run(['revoke', 'vaulted', '--customer', 'acme', ...EXECUTE])
  assert.deepEqual([revoked.exit, lastObject(revoked)['executed']], [0, true])
  assert.equal(await kindOf(store, 'acme'), 'error')
  assert.equal((await run(['restore', 'vaulted', '--customer', 'acme', ...EXECUTE])).exit, 0)
  assert.equal(await kindOf(store, 'acme'), 'found')
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['key-revoked', 'key-restored'],
  )
  assert.deepEqual(
    audited.map(({ operation, customer, reason }) => [operation, customer, reason]),
    [
      ['ops.changeKeys', 'acme', 'offboarding'],
      ['ops.changeKeys', 'acme', 'offboarding'],
    ],
  )
})

test('revoke --destroy is for good: restore is refused with exit 4', async (t) => {
  const { store, run } = await withKeys(t)
  await put(store, 'acme')
  assert.equal((await run(['revoke', 'vaulted', '--customer', 'acme', '--destroy', ...EXECUTE])).exit, 0)
  const restored = await run(['restore', 'vaulted', '--customer', 'acme', ...EXECUTE])
  assert.deepEqual([restored.exit, (lastObject(restored)['error'] as { code: string }).code], [4, 'key-change-refused'])
})

test('every key is rotated and everything is carried over to it', async (t) => {
  const { store, run, pool } = await withKeys(t)
  for (let n = 0; n < 120; n += 1) await put(store, `customer-${n}`)
  const rotated = await run(['rotate', 'vaulted', '--all', ...EXECUTE])
  assert.deepEqual(lastObject(rotated), { executed: true, store: 'vaulted', rotated: 120, refused: 0 })
  const rewrapped = await run(['rewrap', 'vaulted', ...EXECUTE])
  assert.equal(rewrapped.exit, 0)
  assert.match(rewrapped.stderr, /Rows: 120\/120 100\.0% \(120 resealed\); Rate: \d+\/s; Time: \d+s; State: done/)
  assert.equal((lastObject(rewrapped)['rows'] as { resealed: number }).resealed, 120)
  assert.deepEqual((await pool.query('select distinct key_version from sealed.version')).rows, [{ key_version: 2 }])
})

test('a rewrap that leaves something behind ends with exit 5 and says to keep the previous root key', async (t) => {
  const { store, run, all, replica, exchangeRoot } = await withKeys(t)
  await put(store, 'acme')
  await exchangeRoot()
  all.set('vaulted', replica())
  const rewrapped = await run(['rewrap', 'vaulted', ...EXECUTE])
  assert.equal(rewrapped.exit, 5)
  assert.match(rewrapped.stderr, /keep the previous root key/)
})

test('keys are refused where there are none, without a reason, to a viewer, and to a token bound to one integration', async (t) => {
  const { store, run } = await withKeys(t)
  await put(store, 'acme')
  const REVOKE = ['revoke', 'vaulted', '--customer', 'acme']
  const cases = [
    [await run(['show', 'homegrown']), 'store-has-no-keys', 4],
    [await run(['show', 'nothing']), 'not-configured', 1],
    [await run([...REVOKE, '--execute']), 'reason-required', 2],
    [await run(['revoke', 'vaulted', ...EXECUTE]), 'parameter-refused', 2],
    [await run(['revoke', 'vaulted', '--customer', 'nobody', ...EXECUTE]), 'key-change-refused', 4],
    [await run([...REVOKE, ...EXECUTE], 'viewer'), 'forbidden', 7],
    [await run([...REVOKE, ...EXECUTE], 'awsOperator'), 'forbidden', 7],
  ] as const
  for (const [ended, code, exit] of cases) {
    assert.deepEqual([(lastObject(ended)['error'] as { code: string }).code, ended.exit], [code, exit])
  }
  assert.equal(await kindOf(store, 'acme'), 'found')
  assert.equal((await run(['show', 'vaulted'], 'viewer')).exit, 0)
})
