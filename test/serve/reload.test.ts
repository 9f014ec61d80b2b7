import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { parse, stringify } from 'yaml'
import type { ConfigInput } from '../../bin/embedded/sample/config.ts'
import { startCrossfade } from '../bin/run-crossfade.ts'
import { privateRedis } from '../ledger/private-redis.ts'
import { needs } from '../support/parts.ts'
import { INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const redis = needs('redis-server')
const ledger = ledgerServer()

/** A real process; `edit` writes its configuration, `hangup` sends the signal and resolves with the lines that say what came of it. */
async function running(t: TestContext, workers: number) {
  const bus = workers > 1 ? (await privateRedis(t, redis.path)).url : null
  const system = await makeSystem(t, await ledger(), { redis: bus })
  const { config, clients, operators } = await system.configure('machine', 'off')
  const argv = workers > 1 ? ['--workers', String(workers)] : []
  const child = startCrossfade(['serve', '--config', config, '--json', ...argv], dirname(config))
  t.after(() => child.kill('SIGKILL'))
  const said: string[] = []
  const lines = createInterface({ input: child.stderr })
  lines.on('line', (line) => said.push(line))
  const ended = once(child, 'exit').then(([code]) => assert.fail(`it ended with ${code}: ${said.join('\n')}`))
  ended.catch(() => {})
  await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])
  return {
    config,
    child,
    ...system.connect(clients, operators),
    edit: (change: (document: ConfigInput) => void) => {
      const document = parse(readFileSync(config, 'utf8')) as ConfigInput
      change(document)
      writeFileSync(config, stringify(document))
    },
    hangup: async (): Promise<string> => {
      said.length = 0
      child.kill('SIGHUP')
      const answers = () => said.filter((line) => /reloaded/.test(line))
      while (answers().length < workers) await Promise.race([once(lines, 'line'), ended])
      return answers().join('\n')
    },
  }
}

test('a hangup signal takes up cohorts, gates and what may change of integrations, and names what needs a restart', async (t) => {
  const { config, ops, edit, hangup, child } = await running(t, 1)
  const cohortOf = async (customer: string) =>
    (await ops.call('explain', { params: { integration: INTEGRATION, customer } })).cohort
  assert.equal(await cohortOf('acme'), 'general')
  assert.match(await hangup(), /nothing changed$/)

  const list = join(dirname(config), 'early.txt')
  writeFileSync(list, 'acme\n')
  edit((document) => {
    document.cohorts = [{ name: 'early', customers_file: list }, ...(document.cohorts ?? [])]
    document.gates = { live: { copied: '50%' } }
    const own = { [INTEGRATION]: { owner: 'team-new', max_size: '1KiB' } }
    document.integrations = { ...document.integrations, ...own } as ConfigInput['integrations']
    document.shadow = { grace: '200ms' }
  })
  const told = await hangup()
  assert.match(
    told,
    /changed: cohorts, gates, integrations\.aws\.owner, integrations\.aws\.max_size; restart needed for: shadow$/,
  )
  assert.equal(await cohortOf('acme'), 'early')
  const { integrations } = await ops.call('status', { query: { selector: 'owner=team-new' } })
  assert.deepEqual(
    integrations[0]?.cohorts.map(({ cohort }) => cohort),
    ['early', 'dogfood', 'pilot', 'general'],
  )

  writeFileSync(list, 'beta\n')
  assert.match(await hangup(), /changed: cohorts; restart needed for: shadow$/)
  assert.deepEqual([await cohortOf('acme'), await cohortOf('beta')], ['general', 'early'])

  const good = readFileSync(config, 'utf8')
  writeFileSync(config, good.replace('cohorts:', 'cohort:'))
  assert.match(await hangup(), /was not reloaded, the one before stands: config-invalid/)
  assert.equal(await cohortOf('beta'), 'early')
  assert.equal(child.exitCode, null)

  writeFileSync(config, good.replace(list, `${list}.missing`))
  assert.match(await hangup(), /was not reloaded, the one before stands: cohort-file-unreadable/)
  assert.equal(await cohortOf('beta'), 'early')

  const { events } = await ops.call('events', { query: { limit: 5 } })
  assert.deepEqual(
    events.flatMap(({ kind, reason }) => (kind.startsWith('config-') ? [[kind, reason]] : [])).slice(0, 3),
    [
      ['config-refused', 'cohort-file-unreadable'],
      ['config-refused', 'config-invalid'],
      ['config-reloaded', 'configuration reloaded; changed: cohorts; restart needed for: shadow'],
    ],
  )
})

test('with several workers one hangup signal reaches each of them', { skip: redis.skip }, async (t) => {
  const { ops, edit, hangup } = await running(t, 2)
  edit((document) => {
    document.cohorts = [{ name: 'early', customers: ['acme'] }, ...(document.cohorts ?? [])]
  })
  const told = await hangup()
  for (const number of [1, 2])
    assert.match(told, new RegExp(`worker ${number}: configuration reloaded; changed: cohorts$`, 'm'))
  for (let i = 0; i < 4; i += 1) {
    const { cohort } = await ops.call('explain', { params: { integration: INTEGRATION, customer: 'acme' } })
    assert.equal(cohort, 'early', 'whichever worker answers')
  }
})
