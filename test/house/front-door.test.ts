import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { YOUNG_OPTION } from '../../bin/heap.ts'
import { readProjectFile } from '../support/project.ts'

const MAIN = `
const [what] = process.argv.slice(2)
if (what === 'wait') {
  process.on('SIGTERM', () => process.exit(7))
  setInterval(() => {}, 1000)
  console.log('ready')
} else if (what === 'serve') {
  console.log(JSON.stringify([process.pid, process.execArgv.filter((option) => option.includes('semi-space'))]))
} else {
  console.log(JSON.stringify(process.argv.slice(2)))
  process.exitCode = 3
}
`

/** A project whose front door asks for a Node from the future, so that this one is too old for it; or for one as this is. */
async function project(t: TestContext, needed = '99'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-door-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'bin'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  const door = readProjectFile('bin/crossfade.js')
  assert.match(door, /^const NEEDED = 24$/m)
  await writeFile(join(folder, 'bin', 'crossfade.js'), door.replace('const NEEDED = 24', `const NEEDED = ${needed}`))
  await writeFile(join(folder, 'bin', 'main.ts'), MAIN)
  return folder
}

/** This Node under the name and version of the package that npm would have brought. */
async function bringNode(folder: string, version: string): Promise<void> {
  const name = new RegExp(`'${process.platform}-${process.arch}': '([^']+)'`).exec(
    readProjectFile('bin/crossfade.js'),
  )?.[1]
  const binary = join(folder, 'node_modules', name ?? '', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  await mkdir(dirname(binary), { recursive: true })
  await symlink(process.execPath, binary)
  await writeFile(join(dirname(dirname(binary)), 'package.json'), JSON.stringify({ version }))
}

function open(folder: string, args: readonly string[]) {
  return spawn(process.execPath, [join(folder, 'bin', 'crossfade.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function run(folder: string, args: readonly string[]) {
  const child = open(folder, args)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { out, err, code: code as number }
}

test('a Node that is too old runs the program with the one that npm brought, and keeps arguments and exit code', async (t) => {
  const folder = await project(t)
  await bringNode(folder, '99.1.0')
  const { out, code, err } = await run(folder, ['status', '--json', 'a b'])
  assert.deepEqual([JSON.parse(out), code, err], [['status', '--json', 'a b'], 3, ''])
})

test('without one, it says what to do and exits 2', async (t) => {
  const folder = await project(t)
  await bringNode(folder, '20.1.0')
  const { out, err, code } = await run(folder, ['status'])
  assert.deepEqual([out, code], ['', 2])
  assert.match(err, /needs Node 99 or newer\. Either run "npm ci" again/)
})

test('a signal reaches the program, whose end is the end', async (t) => {
  const folder = await project(t)
  await bringNode(folder, '99.1.0')
  const child = open(folder, ['wait'])
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'close'), [7, null])
})

test('what lives long starts with the heap that it needs, in the same process where this Node will do', async (t) => {
  const old = await project(t)
  await bringNode(old, '99.1.0')
  assert.deepEqual(JSON.parse((await run(old, ['serve'])).out)[1], [YOUNG_OPTION])
  const folder = await project(t, '24')
  const child = open(folder, ['serve'])
  assert.deepEqual(JSON.parse(await text(child.stdout)), [child.pid, [YOUNG_OPTION]])
  assert.deepEqual((await run(folder, ['status', 'a b'])).out, '["status","a b"]\n', 'others start as they are')
})

test('who chose another heap gets that one', async (t) => {
  const folder = await project(t, '24')
  const chosen = { ...process.env, NODE_OPTIONS: '--max-semi-space-size=32' }
  const child = spawn(process.execPath, [join(folder, 'bin', 'crossfade.js'), 'serve'], { env: chosen })
  assert.deepEqual(JSON.parse(await text(child.stdout)), [child.pid, []])
})

test('the front door is plain JavaScript that an old Node can read', async () => {
  const door = await readFile(new URL('../../bin/crossfade.js', import.meta.url), 'utf8')
  assert.doesNotMatch(door, /^(?!\s*(?:\/\/|\*|\/\*)).*(?:\?\.|\?\?=|\bawait\b(?! import))/m)
})
