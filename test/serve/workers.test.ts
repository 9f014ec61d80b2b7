import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { STREAM_PATH } from '../../proxy/ops/stream.ts'
import { lastObject, runCrossfade, startCrossfade } from '../bin/run-crossfade.ts'
import { privateRedis } from '../ledger/private-redis.ts'
import { needs } from '../support/parts.ts'
import { get, INTEGRATION, ledgerServer, makeSystem, put, type System } from './replicas.ts'

const redis = needs('redis-server')
const ledger = ledgerServer()
const limits = { skip: redis.skip, timeout: 90_000 }

async function twoWorkers(t: TestContext, system: System) {
  const { config } = await system.configure('machine', 'off')
  const child = startCrossfade(['serve', '--config', config, '--workers', '2', '--json'], process.cwd())
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
  })
  const ended = once(child, 'exit').then(([code]) => assert.fail(`it ended with ${code}: ${said}`))
  const [text] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [string]
  const { serving } = JSON.parse(text) as { serving: { clients: string; operators: string; workers: number } }
  return { child, serving, ...system.connect(serving.clients, serving.operators) }
}

const childrenOf = (pid: number): readonly number[] =>
  execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(Number)

const names = async ({ ops }: ReturnType<System['connect']>, state?: string) =>
  (await ops.call('replicas', {})).replicas
    .filter((replica) => state === undefined || replica.state === state)
    .map(({ name }) => name.replace(/^.*#/, '#'))

test(
  'several workers are one machine: each a replica, one port for clients, one for operators, one signal to stop',
  limits,
  async (t) => {
    const system = await makeSystem(t, await ledger(), { redis: (await privateRedis(t, redis.path)).url })
    const machine = await twoWorkers(t, system)
    const { child, serving } = machine
    assert.equal(serving.workers, 2)
    assert.deepEqual(await names(machine, 'live'), ['#1', '#2'])
    await machine.ops.call('migrate', { body: { integration: INTEGRATION, execute: true, reason: 'test' } })
    for (let i = 0; i < 20; i += 1) {
      await put(machine, 'one', `v${i}`)
      assert.equal((await get(machine, 'one')).value, `v${i}`, 'whichever worker answers')
    }
    const rolled = await machine.ops.call('rollback', { body: { selector: INTEGRATION, to: 'off' } })
    assert.deepEqual(rolled.replicas, { applied: 2, of: 2 })
    const metrics = await (await fetch(`${serving.operators}/metrics`)).text()
    assert.match(metrics, /^crossfade_replica_lease_held 1$/m, 'each of them does')
    assert.match(metrics, /^crossfade_replicas_live 2$/m, 'known to both, and not added up')
    assert.match(metrics, /^crossfade_workers 2$/m)
    assert.match(metrics, /^crossfade_integration_requests_total\{.*operation="put",outcome="ok"\} 20$/m, 'of both')
    assert.equal(metrics.match(/^# TYPE crossfade_requests_total /gm)?.length, 1)
    assert.match(metrics, /^crossfade_worker_restarts_total 0$/m)

    const page = await fetch(`${serving.operators}/`)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)
    const watch = () =>
      fetch(`${serving.operators}${STREAM_PATH}`, { headers: { authorization: `Bearer ${system.operatorToken}` } })
    let told = ''
    for await (const chunk of (await watch()).body ?? []) {
      told += Buffer.from(chunk).toString()
      if (told.includes('"kind":"beat"')) break
    }
    assert.match(told, /"kind":"integration"/, 'the page is told by a worker, through the primary')

    const [victim] = childrenOf(child.pid as number)
    process.kill(victim as number, 'SIGKILL')
    const restarted = async () => (await fetch(`${serving.operators}/metrics`)).text().catch(() => '')
    while (!/^crossfade_worker_restarts_total 1$/m.test(await restarted())) await new Promise(setImmediate)
    while ((await fetch(`${serving.operators}/readyz`)).status !== 200) await new Promise(setImmediate)
    assert.equal((await get(machine, 'one')).value, 'v19')

    const watching = await watch()
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
    assert.match(await watching.text(), /"kind":"beat"/, 'who watched was told, and the end was an end')
    await assert.rejects(fetch(`${serving.clients}/livez`), 'nobody listens any more')
  },
)

test('several workers without a bus are refused, with words', limits, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const { config } = await system.configure('machine', 'off')
  const ended = await runCrossfade(['serve', '--config', config, '--workers', '2', '--json'], process.cwd())
  const { error } = lastObject(ended) as { error: { code: string } }
  assert.equal(error.code, 'bus-required')
  assert.notEqual(ended.exit, 0)
})
