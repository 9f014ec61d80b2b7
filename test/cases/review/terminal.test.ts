import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { runInProcess } from '../../bin/run-crossfade.ts'
import { caseOf } from '../support/case.ts'
import { enrolledHome } from '../support/enrolled.ts'

const EVIL = 'gone\u001b[2K\u001b]0;owned\u0007\r\naws  enrolled\u202e\u009b31m\u2028end'
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029]/

caseOf(
  ['review', '16'],
  'no name and no reason of somebody else’s controls a terminal or forges a line',
  {},
  async (t) => {
    const { home, first } = await enrolledHome(t, null)
    await home.query("insert into t values ('aws', $1, $1, 'x'), ('aws', 'acme', $1, 'x')", [EVIL])
    assert.equal((await first.cli('rollback', 'aws', '--reason', EVIL)).exit, 0)
    // Nobody can ask for such a name: it is in quarantine.
    await first.cli('migrate', 'aws', '--stage', 'inventory', '--execute', '--reason', EVIL)
    const verbs = [
      ['status'],
      ['caps'],
      ['events'],
      ['explain', 'aws', EVIL],
      ['migrate', 'list'],
      ['quarantine', 'list', 'aws'],
      ['lift', 'aws', '--force'],
      ['replicas', 'forget', EVIL],
      ['list', 'aws', 'acme'],
      [EVIL],
    ]
    for (const argv of verbs) {
      const { stdout, stderr } = await first.cli(...argv)
      const shown = Buffer.from(`${stdout}${stderr}`, 'latin1').toString()
      assert.doesNotMatch(shown, CONTROLS, argv[0])
      assert.doesNotMatch(`${stdout}${stderr}`, /^aws {2}enrolled/m, `${argv[0]}: a forged line`)
    }
    const { stdout } = await first.cli('events', '--json')
    const line = stdout.trimEnd()
    assert.doesNotMatch(line, CONTROLS)
    const { events } = JSON.parse(line) as { events: { reason: string | null }[] }
    assert.ok(
      events.some(({ reason }) => reason === EVIL),
      'programs get it as it is',
    )
  },
)

/** Notes what arrives, and answers nothing of use. */
async function listener(t: TestContext) {
  const arrived: string[] = []
  const server = createServer((request, response) => {
    arrived.push(request.url ?? '')
    response.writeHead(500).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { arrived, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

caseOf(['review', '6'], 'the command line sends nothing for a name that would lead elsewhere', {}, async (t) => {
  const { arrived, url } = await listener(t)
  const { home } = await enrolledHome(t, null)
  const run = (...argv: readonly string[]) =>
    runInProcess([...argv, '--url', url, '--token-file', home.keep('token', 'word\n')], home.folder)
  const paths = [
    '../victim/token',
    '..',
    '.',
    'a/../b',
    'a/./b',
    'a//b',
    '/a',
    'a/',
    'a\\b',
    'a\u0000b',
    'x'.repeat(513),
    '',
  ]
  for (const name of paths) {
    for (const verb of ['get', 'delete'] as const) {
      const { exit, stderr } = await run(verb, 'github', 'acme', name)
      assert.equal(exit, 2, `${verb} ${name}: ${stderr}`)
      assert.match(stderr, /path-refused/)
    }
    const file = home.keep('value', 'v')
    assert.equal((await run('put', 'github', 'acme', name, '-f', file)).exit, 2, name)
  }
  for (const customer of ['..', '.', '', 'a/b', 'c'.repeat(129)]) {
    assert.equal((await run('get', 'github', customer, 'token')).exit, 2, customer)
    assert.equal((await run('list', 'github', customer)).exit, 2, customer)
  }
  for (const integration of ['..', 'GitHub', 'a b']) assert.equal((await run('list', integration, 'acme')).exit, 2)
  for (const customer of ['..', '.', '']) assert.equal((await run('explain', 'github', customer)).exit, 2, customer)
  assert.deepEqual(arrived, [])
  await run('get', 'github', 'acme', 'a..b/.token')
  assert.deepEqual(arrived, ['/api/v1/secrets/github/acme/a..b/.token'], 'what looks like it only is sent')
})
