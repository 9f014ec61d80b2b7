import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { tokenFile } from '../flags/admin/at-hand.ts'
import { step } from '../flags/at-hand.ts'
import { startUnleash } from '../support/unleash-server.ts'
import { BARE, INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const ledger = ledgerServer()

test('flags of a real Unleash are set over the operators’ API, and run when it answers', async (t) => {
  const unleash = await startUnleash(t)
  const system = await makeSystem(t, await ledger(), { redis: null })
  const { config } = await system.configure('alone', 'off')
  const written = parse(readFileSync(config, 'utf8')) as Record<string, unknown>
  const flags = {
    source: 'unleash',
    url: unleash.url,
    environment: 'development',
    token_file: tokenFile(t, unleash.clientToken('development')),
    refresh: '200ms',
    // The two flags may change between two polls: one by a person, one by the test.
    max_moves: '100%',
    admin: { token_file: tokenFile(t, unleash.adminToken) },
  }
  writeFileSync(config, stringify({ ...written, flags }))
  const { ops } = await system.serve(config)
  const set = (
    selector: string,
    phase: 'off' | 'shadow' | 'dualwrite',
    more: { cohort?: string; execute?: boolean } = {},
  ) => ops.call('setFlags', { body: { selector, phase, reason: 'a test', execute: true, ...more } })

  await t.test('flags that are not there are made', async () => {
    const { one_by_one, changes } = await set('*', 'dualwrite')
    assert.equal(one_by_one, true)
    assert.deepEqual(
      changes.map(({ integration, to, problem }) => [integration, to, problem]),
      [INTEGRATION, BARE].map((integration) => [integration, 'dualwrite', null]),
    )
    const { flags: asked } = await ops.call('flags', { query: { selector: INTEGRATION } })
    assert.deepEqual([...new Set(asked[0]?.steps.map(({ phase }) => phase))], ['dualwrite'])
  })

  await t.test('a flag that somebody changed into something else is named, and the others are set', async () => {
    await unleash.admin.addStrategy(`crossfade.${BARE}`, { name: 'default', parameters: {} })
    await unleash.admin.addStrategy(`crossfade.${BARE}`, step(BARE, 'live'))
    const dry = await set('*', 'shadow', { execute: false })
    const done = await set('*', 'shadow')
    for (const { changes } of [dry, done]) {
      assert.deepEqual(
        changes.map(({ problem }) => problem === null),
        [true, false],
      )
    }
    const { flags: asked } = await ops.call('flags', { query: { selector: INTEGRATION } })
    assert.deepEqual([...new Set(asked[0]?.steps.map(({ phase }) => phase))], ['shadow'])
    await assert.rejects(set(BARE, 'shadow'), { code: 'flag-not-editable' })
  })

  await t.test('lint looks at what is followed now', async () => {
    const { source, findings } = await ops.call('lintFlags', {})
    assert.equal(source, unleash.url)
    const codes = findings.map(({ flag, code }) => `${flag} ${code}`)
    assert.ok(codes.includes(`crossfade.${BARE} unknown-strategy`), codes.join(', '))
    assert.ok(!codes.some((found) => found.startsWith(`crossfade.${INTEGRATION} `)), codes.join(', '))
  })

  await t.test('what was set is an event with who and why, and nothing else is', async () => {
    const { events } = await ops.call('events', { query: { selector: '*' } })
    const sets = events.filter(({ kind }) => kind === 'flag-set')
    assert.deepEqual(
      sets.map(({ integration, to, by, reason }) => [integration, to, by, reason]).sort(),
      [
        [INTEGRATION, 'dualwrite', 'operator', 'a test'],
        [INTEGRATION, 'shadow', 'operator', 'a test'],
        [BARE, 'dualwrite', 'operator', 'a test'],
      ].sort(),
    )
  })
})
