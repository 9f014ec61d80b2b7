import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { test } from 'node:test'
import { EXITS } from '../../bin/cli/exit-codes.ts'
import { makeLadder } from '../../flags/ladder.ts'
import { lastObject, privateFile, runCrossfade, runInProcess, temporaryFolder } from './run-crossfade.ts'

/** A command line that must be refused before anything is done, and the code of the refusal. */
const REFUSED: readonly (readonly [argv: string, code: string])[] = [
  ['', 'usage'],
  ['statuss', 'usage'],
  ['status --wat', 'usage'],
  ['status --watch:x', 'usage'],
  ['migrate aws --dry-run', 'usage'],
  ['get aws acme', 'usage'],
  ['get aws acme name extra', 'usage'],
  ['list aws acme --limit none', 'usage'],
  ['put aws acme name --meta nokey', 'usage'],
  ['flags', 'usage'],
  ['flags set aws', 'usage'],
  ['flags set aws sideways', 'usage'],
  ['flags set aws live --all', 'usage'],
  ['flags set aws live --percent 101', 'usage'],
  ['flags set aws live --execute', 'reason-required'],
  ['migrate aws --execute', 'reason-required'],
  ['verify aws --execute', 'reason-required'],
  ['rollback', 'usage'],
  ['rollback aws --all', 'usage'],
  ['rollback aws --to sideways', 'usage'],
  ['lift', 'usage'],
  ['serve', 'usage'],
  ['serve --embedded --config x.yaml', 'usage'],
  ['serve --config x.yaml --traffic', 'usage'],
  ['status --url http://127.0.0.1:1', 'usage'],
  ['status --url ftp://127.0.0.1:1 --token-file x', 'usage'],
  ['status --url http://user:word@127.0.0.1:1 --token-file x', 'usage'],
  ['config print missing.yaml', 'config-unreadable'],
  ['status --url http://127.0.0.1:1 --token-file missing', 'token-file-unusable'],
]

test('a wrong command line exits 2, does nothing, and says what to do as text and as JSON', async (t) => {
  const folder = temporaryFolder(t)
  for (const [line, code] of REFUSED) {
    const argv = line === '' ? [] : line.split(' ')
    const ended = await runInProcess([...argv, '--json'], folder)
    assert.equal(ended.exit, EXITS.usage.code, line)
    const { error } = lastObject(ended) as { error: Record<string, string> }
    assert.equal(error['code'], code, line)
    assert.match(error['next'] ?? '', /^[A-Z].+\.$/, line)
    assert.match(ended.stderr, new RegExp(`\\(${code}\\)`), line)
  }
})

test('the program itself ends with the exit code, and leaves standard output to the data', async (t) => {
  const ended = await runCrossfade(['status', '--wat'], temporaryFolder(t))
  assert.deepEqual([ended.exit, ended.stdout], [EXITS.usage.code, ''])
  assert.match(ended.stderr, /unknown option '--wat'/)
})

test('without a running system a verb exits 6 and says how to start one', async (t) => {
  const folder = temporaryFolder(t)
  const ended = await runCrossfade(['status'], folder)
  assert.equal(ended.exit, EXITS.unavailable.code)
  assert.equal(ended.stdout, '')
  assert.match(ended.stderr, /nothing-running[\s\S]*npm start/)
})

test('a run file whose process is gone counts as nothing running', async (t) => {
  const folder = temporaryFolder(t)
  const [clients, operators] = ['http://127.0.0.1:1', 'http://127.0.0.1:2']
  // Larger than any pid that Linux gives (2^22).
  const run = { pid: 2 ** 30, clients, operators, token_files: { client: 'c', viewer: 'v', operator: 'o' } }
  privateFile(folder, 'run.json', JSON.stringify({ ...run, config: 'c', flags: null }))
  const ended = await runCrossfade(['get', 'aws', 'acme', 'key', '--json'], folder)
  assert.equal((lastObject(ended)['error'] as Record<string, string>)['code'], 'nothing-running')
})

test('a server that does not answer exits 6', async (t) => {
  const folder = temporaryFolder(t)
  const token = privateFile(folder, 'token', 'word\n')
  // Port 1 is reserved and nothing listens there.
  const ended = await runCrossfade(['caps', '--url', 'http://127.0.0.1:1', '--token-file', token, '--json'], folder)
  assert.equal(ended.exit, EXITS.unavailable.code)
  assert.equal((lastObject(ended)['error'] as Record<string, string>)['code'], 'server-unreachable')
})

test('a token file that others may read is refused', { skip: process.platform === 'win32' }, async (t) => {
  const folder = temporaryFolder(t)
  const token = privateFile(folder, 'token', 'a-token-nobody-may-see\n')
  chmodSync(token, 0o644)
  const ended = await runCrossfade(['caps', '--url', 'http://127.0.0.1:1', '--token-file', token, '--json'], folder)
  assert.equal(ended.exit, EXITS.usage.code)
  assert.match(ended.stdout, /token-file-unusable/)
  assert.doesNotMatch(ended.stdout + ended.stderr, /a-token-nobody-may-see/)
})

test('--help lists every exit code, and exits 0', async (t) => {
  const ended = await runCrossfade(['--help'], temporaryFolder(t))
  assert.equal(ended.exit, EXITS.ok.code)
  for (const { code, when } of Object.values(EXITS)) assert.match(ended.stdout, new RegExp(`${code} +${when}`))
})

test('flags lint exits 0 for a ladder and names what is wrong with another flag', async (t) => {
  const folder = temporaryFolder(t)
  const good = makeLadder('aws', 'shadow')
  const fine = privateFile(folder, 'fine.json', JSON.stringify({ features: [good] }))
  assert.equal((await runCrossfade(['flags', 'lint', fine], folder)).exit, EXITS.ok.code)
  const broken = privateFile(folder, 'broken.json', JSON.stringify({ features: [{ ...good, strategies: [] }] }))
  const ended = await runCrossfade(['flags', 'lint', broken, '--json'], folder)
  assert.equal(ended.exit, EXITS.error.code)
  assert.match(ended.stderr, /crossfade\.aws: no-final-step/)
  assert.equal((lastObject(ended)['error'] as Record<string, string>)['code'], 'flags-lint-failed')
})

test('config check of a file with two mistakes names both with their places and exits 2', async (t) => {
  const folder = temporaryFolder(t)
  const file = privateFile(folder, 'crossfade.yaml', 'version: 2\nlissten: {}\n')
  const ended = await runCrossfade(['config', 'check', file, '--json'], folder)
  assert.equal(ended.exit, EXITS.usage.code)
  const { ok, results } = lastObject(ended) as { ok: boolean; results: readonly { subject: string }[] }
  assert.equal(ok, false)
  const places = results.map(({ subject }) => subject.slice(file.length))
  assert.ok(places.some((place) => place.startsWith(':1:')))
  assert.ok(places.some((place) => place.startsWith(':2:')))
})
