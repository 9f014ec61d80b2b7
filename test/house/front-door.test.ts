import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { YOUNG_OPTION } from '../../bin/heap.ts'
import { bringNode, open, project } from './door-project.ts'

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
