import assert from 'node:assert/strict'
import type { ConfigInput } from '../../../bin/embedded/sample/config.ts'
import { caseOf } from '../support/case.ts'
import { enrolledHome } from '../support/enrolled.ts'
import type { Serving } from '../support/home.ts'

const pilots = (config: ConfigInput): ConfigInput => ({
  ...config,
  cohorts: [
    { name: 'pilot', customers: ['acme'] },
    { name: 'general', rest: true },
  ],
})
const reasoned = ['--execute', '--reason', 'a case'] as const

/** Every verb that names a cohort, or an integration. */
const NAMING: Readonly<Record<'cohort' | 'integration', readonly (readonly string[])[]>> = {
  cohort: [
    ['rollback', 'aws', '--cohort', 'pilott'],
    ['rollback', '--all', '--cohort', 'pilott'],
    ['lift', 'aws', '--cohort', 'pilott'],
    ['flags', 'set', 'aws', 'shadow', '--cohort', 'pilott', ...reasoned],
    ['gates', 'force', 'aws', 'shadow', '--cohort', 'pilott', ...reasoned],
  ],
  integration: [
    ['rollback', 'awss'],
    ['rollback', 'slack-*'],
    ['lift', 'awss'],
    ['caps', 'awss'],
    ['flags', 'set', 'awss', 'shadow', ...reasoned],
    ['gates', 'list', 'awss'],
    ['gates', 'force', 'awss', 'shadow', ...reasoned],
    ['migrate', 'awss'],
    ['migrate', 'awss', ...reasoned],
    ['migrate', 'list', 'awss'],
    ['migrate', 'pace', 'awss', '--rate', '5'],
    ['verify', 'awss'],
    ['reverse', 'awss'],
    ['finalize', 'awss'],
    ['abandon', 'awss'],
    ['explain', 'awss', 'acme'],
    ['explain', 'aw*', 'acme'],
    ['status', 'awss'],
    ['status', 'owner=nobody'],
    ['history', 'awss'],
    ['events', 'awss'],
    ['mismatches', 'awss'],
    ['quarantine', 'list', 'awss'],
    ['quarantine', 'accept', 'awss', ...reasoned],
    ['quarantine', 'retry', 'awss', ...reasoned],
    ['integrations', 'rename', 'awss', 'amazon'],
  ],
}

caseOf(
  ['review', '3'],
  'a cohort or an integration that does not exist is refused by every verb that names one',
  {},
  async (t) => {
    const { first } = await enrolledHome(t, null, pilots)
    for (const [what, all] of Object.entries(NAMING)) {
      for (const argv of all) {
        const { exit, stderr, stdout } = await first.cli(...argv)
        assert.notEqual(exit, 0, `${argv.join(' ')}: ${stdout}`)
        assert.match(stderr, /not-configured/, argv.join(' '))
        if (what === 'cohort') assert.match(stderr, /cohort pilott; did you mean pilot\?/, argv.join(' '))
      }
    }
    assert.deepEqual(first.application.engine.flags.storedCaps.list(), [])
  },
)

caseOf(
  ['review', '8'],
  'a reason that is too long is refused before it is sent, and by the server; one of the longest can be lifted',
  {},
  async (t) => {
    const { first } = await enrolledHome(t, null)
    const long = await first.cli('rollback', 'aws', '--reason', '漢'.repeat(1000))
    assert.equal(long.exit, 2)
    assert.match(long.stderr, /reason-refused[\s\S]*at most 1000 bytes in UTF-8, this one has 3000/)
    const direct = await post(first, 'rollback', { selector: 'aws', reason: '漢'.repeat(334) })
    assert.equal(direct.status, 400)
    assert.match(await direct.text(), /parameter-refused.*at most 1000 bytes/)

    assert.equal((await first.cli('rollback', 'aws', '--reason', '漢'.repeat(333))).exit, 0)
    const caps = await first.cli('caps', '--json')
    assert.match(caps.stdout, /漢{333}/)
    const { durable } = await first.application.engine.capSpread.state()
    assert.equal(durable, true)
    const lifted = await first.cli('lift', 'aws', '--force', '--reason', 'é'.repeat(500))
    assert.equal(lifted.exit, 0, lifted.stderr)
    assert.match(lifted.stderr, /1 caps lifted/)
  },
)

const post = (serving: Serving, route: string, body: object): Promise<Response> =>
  fetch(`${serving.operators}/api/v1/ops/${route}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${serving.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
