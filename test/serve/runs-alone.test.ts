import assert from 'node:assert/strict'
import { test } from 'node:test'
import { privateFile, runInProcess, temporaryFolder } from '../bin/run-crossfade.ts'
import { enrolAll, INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const ledger = ledgerServer()
const NOBODY = 'no worker is alive: start crossfade serve or crossfade worker'

test('a run that nobody works on says so wherever it is shown, and what is done with it is written down in words', async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const replica = await system.start('r1', 'off')
  const { application, ops } = replica
  const token = privateFile(temporaryFolder(t), 'token', `${system.operatorToken}\n`)
  const shown = async (...argv: readonly string[]): Promise<string> => {
    const options = ['--url', application.operators, '--token-file', token]
    return (await runInProcess([...argv, INTEGRATION, ...options], process.cwd())).stdout
  }
  const change = async (to: 'pause' | 'resume' | 'cancel') => {
    const { runs } = await ops.call('changeRuns', { body: { selector: INTEGRATION, change: to } })
    return runs.map(({ outcome, throttled_by, message }) => [outcome, throttled_by, message])
  }
  const started = await ops.call('migrate', { body: { integration: INTEGRATION, execute: true, reason: 'a test' } })
  assert.ok(started.kind === 'run')
  assert.deepEqual([started.outcome, started.throttled_by], ['queued', NOBODY])
  assert.match(await shown('migrate', 'list'), new RegExp(`queued +enrol .* ${NOBODY}\n`))
  assert.match(await shown('status'), new RegExp(`\n${INTEGRATION}: migrate: .*State: queued, ${NOBODY}\n`))

  assert.deepEqual(await change('pause'), [['paused', null, null]])
  assert.match(await shown('migrate', 'list'), new RegExp(`crossfade migrate resume ${INTEGRATION}\n`))
  assert.deepEqual(await change('resume'), [['queued', NOBODY, null]])
  assert.deepEqual(await change('cancel'), [['cancelled', null, 'cancelled by operator']])
  assert.doesNotMatch(await shown('status'), /State: /)

  const verify = { integration: INTEGRATION, execute: true, reason: 'too early' }
  await assert.rejects(ops.call('verify', { body: verify }), { code: 'stage-refused' })
  await enrolAll(replica)
  const inventory = { integration: INTEGRATION, execute: true, reason: 'one stage', stage: 'inventory' } as const
  await ops.call('migrate', { body: inventory })
  const { events } = await ops.call('events', { query: { selector: INTEGRATION } })
  const told = events.filter(({ kind }) => kind.startsWith('run-')).map(({ kind, run, reason }) => [kind, run, reason])
  assert.deepEqual(told, [
    ['run-started', 'migrate inventory', 'one stage'],
    ['run-ended', 'migrate: cancelled', 'cancelled by operator'],
    ['run-resumed', 'migrate', null],
    ['run-paused', 'migrate', null],
    ['run-started', 'migrate', 'a test'],
  ])
  assert.match(await shown('events'), /run-ended +aws +all +migrate: cancelled +operator +- +cancelled by operator\n/)
})
