import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXITS } from '../../bin/cli/exit-codes.ts'
import { lastObject, privateFile, runInProcess, temporaryFolder } from './run-crossfade.ts'
import { serveStub } from './stub-server.ts'

test('quarantine retry counts by reason, and wants a word and a reason before it does anything', async (t) => {
  const folder = temporaryFolder(t)
  const bodies: { readonly execute: boolean }[] = []
  const { url } = await serveStub(t, (app) => {
    app.post('/api/v1/ops/quarantine/retry', (request) => {
      bodies.push(JSON.parse(String(request.body)))
      const integrations = [{ integration: 'aws', retried: { undecryptable: 7, corrupt: 1 }, kept: 2 }]
      return { executed: bodies.at(-1)?.execute, integrations }
    })
  })
  const argv = ['--url', url, '--token-file', privateFile(folder, 'token', 'word\n')]
  const retry = (...more: readonly string[]) => runInProcess(['quarantine', 'retry', ...more, ...argv], folder)

  const dry = await retry('aws')
  assert.equal(dry.exit, EXITS.ok.code)
  assert.match(dry.stdout, /^aws +undecryptable +7 +is tried again\naws +corrupt +1 +is tried again\naws +- +2 +stays/m)
  assert.match(dry.stderr, /nothing was done: add --execute --reason/)
  assert.equal((await retry()).exit, EXITS.usage.code)
  assert.equal((await retry('aws', '--execute')).exit, EXITS.usage.code)
  assert.equal((await retry('aws', '--only', 'boredom')).exit, EXITS.usage.code)
  const done = await retry('--all', '--only', 'corrupt', '--execute', '--reason', 'the key is back', '--json')
  assert.equal(lastObject(done)['executed'], true)
  assert.deepEqual(bodies, [
    { selector: 'aws', execute: false },
    { selector: '*', execute: true, only: ['corrupt'], reason: 'the key is back' },
  ])
})

test('a name that no client can ask for does nothing to the terminal on which it is listed', async (t) => {
  const folder = temporaryFolder(t)
  const name = '/../odd\u001b[2J\r\nazure'
  const { url } = await serveStub(t, (app) => {
    app.get('/api/v1/ops/quarantine', () => ({
      entries: [{ integration: 'aws', customer: 'acme', name, reason: 'not-addressable', at: null }],
      next: null,
    }))
  })
  const argv = ['quarantine', 'list', '--url', url, '--token-file', privateFile(folder, 'token', 'word\n')]
  const { stdout } = await runInProcess(argv, folder)
  assert.match(stdout, /^aws +acme +\/\.\.\/odd\\u\{1b\}\[2J\\u\{d\}\\u\{a\}azure +not-addressable +-$/m)
  const told = lastObject(await runInProcess([...argv, '--json'], folder)) as { entries?: { name: string }[] }
  assert.equal(told.entries?.[0]?.name, name)
})
