import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { EXITS } from '../../bin/cli/exit-codes.ts'
import { privateFile, runInProcess, temporaryFolder } from './run-crossfade.ts'
import { serveStub } from './stub-server.ts'

/** A server that takes everything; what it was sent, by path. */
async function withServer(t: TestContext) {
  const sent: (readonly [path: string, body: unknown])[] = []
  const { url } = await serveStub(t, (app) => {
    for (const [path, answer] of [
      ['pace', { paces: [] }],
      ['runs', { runs: [] }],
    ] as const)
      app.post(`/api/v1/ops/${path}`, (request) => {
        sent.push([path, JSON.parse(String(request.body))])
        return answer
      })
  })
  const folder = temporaryFolder(t)
  const argv = ['--url', url, '--token-file', privateFile(folder, 'token', 'word\n')]
  return { sent, crossfade: (line: string) => runInProcess([...line.split(' '), ...argv], folder) }
}

test('an option that migrate has, too, reaches the verb below it: a pace is changed, every run is paused', async (t) => {
  const { sent, crossfade } = await withServer(t)
  await crossfade('migrate pace aws --rate 50 --concurrency 1 --reason slower')
  await crossfade('migrate pace --all --rate none')
  await crossfade('migrate pause --all')
  assert.deepEqual(sent, [
    ['pace', { selector: 'aws', rate: 50, concurrency: 1, reason: 'slower' }],
    ['pace', { selector: '*', rate: 'none' }],
    ['runs', { selector: '*', change: 'pause' }],
  ])
})

test('an option that only migrate has is refused below it, and nothing is sent', async (t) => {
  const { sent, crossfade } = await withServer(t)
  const ended = await crossfade('migrate pause aws --execute')
  assert.equal(ended.exit, EXITS.usage.code)
  assert.match(ended.stderr, /pause has no option --execute/)
  assert.deepEqual(sent, [])
})
