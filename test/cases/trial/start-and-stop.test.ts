import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runCrossfade } from '../../bin/run-crossfade.ts'
import { bringNode, open, project } from '../../house/door-project.ts'
import { PROJECT } from '../../support/project.ts'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'
import { isAlive } from '../support/process.ts'

const SQL = 'create table t (customer text, name text, value text not null, primary key (customer, name))'

/** What can never become right while the process waits: it says so and ends. */
const FATAL = [
  ['tokens-file-invalid', { identity: { tokens_file: 'pw' } }],
  ['tokens-file-invalid', { identity: { tokens_file: 'nowhere.yaml' } }],
  ['audit-unavailable', { audit: { sinks: [{ kind: 'file', path: 'no/such/folder/audit.jsonl' }] } }],
  ['store-file-unreadable', { etag: { key_file: 'nowhere' } }],
] as const

caseOf(
  ['trial', 'F3'],
  'a start that can never succeed ends the process with a code',
  { timeout: 60_000 },
  async (t) => {
    for (const [code, section] of FATAL) {
      const home = await makeHome(t, { sql: SQL, edit: (config) => ({ ...config, ...section }) as typeof config })
      const ended = await runCrossfade(['serve', '--config', home.config], home.folder)
      assert.match(ended.stderr, new RegExp(code), ended.stderr)
      assert.notEqual(ended.exit, 0)
      assert.notEqual(ended.exit, null)
    }
  },
)

const DOOR = `
import { endWithFrontDoor } from ${JSON.stringify(pathToFileURL(join(PROJECT, 'bin/front-door.ts')).href)}
endWithFrontDoor()
setInterval(() => {}, 1000)
process.on('SIGTERM', () => process.exit(0))
console.log(process.pid)
`

caseOf(
  ['trial', 'F13'],
  'the front door and its child end together, whatever ends either',
  {
    skip: process.platform === 'win32',
    timeout: 60_000,
  },
  async (t) => {
    const folder = await project(t, '99', DOOR)
    await bringNode(folder, '99.1.0')
    const start = async () => {
      const door = open(folder, ['serve'])
      t.after(() => void door.kill('SIGKILL'))
      const [line] = (await once(door.stdout, 'data')) as [Buffer]
      return { door, child: Number(line.toString()) }
    }
    const first = await start()
    assert.ok(isAlive(first.child))
    first.door.kill('SIGKILL')
    while (isAlive(first.child)) await new Promise(setImmediate)

    const second = await start()
    process.kill(second.child, 'SIGKILL')
    assert.deepEqual(await once(second.door, 'exit'), [null, 'SIGKILL'])
  },
)
