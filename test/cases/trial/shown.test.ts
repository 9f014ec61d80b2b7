import assert from 'node:assert/strict'
import type { ConfigInput } from '../../../bin/embedded/sample/config.ts'
import { caseOf } from '../support/case.ts'
import { enrolledHome, withIntegrations, withPhase } from '../support/enrolled.ts'

const reasoned = ['--execute', '--reason', 'a case'] as const
const pilots = (config: ConfigInput): ConfigInput => ({
  ...config,
  cohorts: [
    { name: 'pilot', customers: ['acme'] },
    { name: 'general', rest: true },
  ],
})

caseOf(
  ['trial', 'F10'],
  'a cohort that is divided is shown with its shares, and words about a rollback are of its scope',
  {},
  async (t) => {
    const { home, first } = await enrolledHome(t, null, (config) =>
      withIntegrations({ aws: {}, slack: {} })(pilots(config)),
    )
    await first.stop()
    home.rewrite(await withPhase(home, 'flags-here.json', 'dualwrite'))
    const proxy = await home.serve()
    const set = await proxy.cli('flags', 'set', 'aws', 'live', '--cohort', 'general', '--percent', '50', ...reasoned)
    assert.equal(set.exit, 0, set.stderr)
    const divided = /general +50% live, 50% dualwrite/
    assert.match((await proxy.cli('status', 'aws')).stdout, divided)
    assert.match((await proxy.cli('gates', 'list', 'aws')).stdout, /general +live +50% live, 50% dualwrite/)
    assert.match((await proxy.cli('status', 'aws')).stdout, /pilot +dualwrite/)

    const back = await proxy.cli('rollback', 'aws', '--cohort', 'pilot', '--to', 'off')
    assert.match(back.stderr, /no secret of cohort pilot is answered by new any more/)
    assert.match(back.stderr, /to take it back: crossfade lift aws --cohort pilot$/m)

    assert.equal((await proxy.cli('rollback', 'aws')).exit, 0)
    const put = await proxy.request('aws/acme/token', { method: 'PUT', body: Buffer.from('again') })
    assert.equal(put.status, 204)
    const verified = await proxy.cli('verify', 'aws', ...reasoned)
    assert.match(verified.stderr, /1 secrets are owed by one side and were not compared/)
  },
)

caseOf(
  ['trial', 'F10'],
  'what was written to both sides after a whole verify stays verified in status, as the gate counts it',
  {},
  async (t) => {
    const { home, first } = await enrolledHome(t, null)
    await first.stop()
    home.rewrite(await withPhase(home, 'flags-here.json', 'dualwrite'))
    const proxy = await home.serve()
    assert.equal((await proxy.request('aws/acme/token', { method: 'PUT', body: Buffer.from('again') })).status, 204)
    await proxy.application.engine.lazy.flush()
    const { stdout } = await proxy.cli('status', 'aws', '--json')
    const { integrations } = JSON.parse(stdout) as { integrations: [{ counts: { verified: number; copied: number } }] }
    assert.deepEqual([integrations[0].counts.verified, integrations[0].counts.copied], [2, 2])
  },
)

caseOf(['trial', 'F10'], 'messages say what is the matter and what helps', {}, async (t) => {
  const { home, first } = await enrolledHome(t, null, (config) => ({
    ...withIntegrations({ aws: {}, slack: {} })(config),
    stores: {
      ...config.stores,
      homegrown: { ...config.stores['homegrown'], encoding: { column: 'base64' } },
    } as ConfigInput['stores'],
  }))
  const file = home.keep('flags.yaml', 'flags: []\n')
  const plan = await first.cli('flags', 'plan', '-f', file)
  assert.match(plan.stderr, /this verb works on the configuration itself, not on a server: name it with --config FILE/)

  await home.query("insert into t values ('slack', 'acme', 'broken', '*not base64*')")
  const broken = await first.request('slack/acme/broken')
  const problem = (await broken.json()) as { code: string; next: string }
  assert.equal(problem.code, 'value-unreadable')
  assert.match(problem.next, /encoding/, 'of what is not enrolled nothing is in quarantine')

  const wrong = await fetch(`${first.clients}/api/v1/ops/status`)
  assert.match(await wrong.text(), /clients and operators have ports of their own/)

  const planned = await first.cli('migrate', 'slack')
  assert.match(planned.stdout, /record the names of the 1 secrets of legacy and of (?:the 0|all) of new/)
})
