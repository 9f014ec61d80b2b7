import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { EXITS } from '../../bin/cli/exit-codes.ts'
import type { Run } from '../../proxy/ops/work.ts'
import {
  lastObject,
  privateFile,
  runCrossfade,
  runInProcess,
  startCrossfade,
  temporaryFolder,
} from './run-crossfade.ts'
import { serveStub } from './stub-server.ts'

const RUN: Run = {
  kind: 'run',
  run: 'r1',
  integration: 'aws',
  what: 'migrate',
  outcome: 'running',
  stage: 'backfill',
  done: 10,
  total: 20,
  per_second: 5,
  eta_seconds: 2,
  throttled_by: null,
  counts: null,
  message: null,
  started_at: new Date().toISOString(),
  ended_at: null,
}

/** A server whose migration is running when started, and then `later`; and the options that lead to it. */
const serveRun = async (t: TestContext, later: Partial<Run>) => {
  const folder = temporaryFolder(t)
  const token = privateFile(folder, 'token', 'word\n')
  const bodies: unknown[] = []
  const { url } = await serveStub(t, (app) => {
    app.post('/api/v1/ops/migrate', (request) => {
      bodies.push(JSON.parse(String(request.body)))
      return RUN
    })
    app.get('/api/v1/ops/migrate/aws', () => ({ run: { ...RUN, ...later } }))
  })
  return { folder, bodies, argv: ['--url', url, '--token-file', token, '--json'] }
}

const MIGRATE = ['migrate', 'aws', '--execute', '--reason', 'first']
const ended = { ended_at: new Date().toISOString() }

const OUTCOMES = [
  ['done', 'ok'],
  ['mismatches', 'mismatches'],
  ['partial', 'partial'],
  ['cancelled', 'partial'],
  ['failed', 'error'],
] as const satisfies readonly (readonly [Run['outcome'], keyof typeof EXITS])[]

test('migrate watches the run to its end and exits as it ended, with the run as the last line', async (t) => {
  for (const [outcome, exit] of OUTCOMES) {
    const { folder, bodies, argv } = await serveRun(t, { ...ended, outcome, message: 'why' })
    const answer = await runInProcess([...MIGRATE, ...argv], folder)
    assert.equal(answer.exit, EXITS[exit].code, outcome)
    assert.equal(lastObject(answer)['outcome'], outcome)
    assert.equal(answer.stdout.trimEnd().split('\n').length, 1)
    assert.match(answer.stderr, /Copy: 10\/20 50\.0%|State: backfill/)
    assert.match(answer.stderr, /^why$/m)
    assert.deepEqual(bodies, [{ integration: 'aws', execute: true, reason: 'first' }])
  }
})

test('Ctrl-C detaches from a run, says how to come back, and exits 130', {
  skip: process.platform === 'win32',
}, async (t) => {
  const { folder, argv } = await serveRun(t, {})
  const child = startCrossfade([...MIGRATE, ...argv], folder)
  const written = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    written.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    // The first progress line says that it watches.
    if (written.stderr === '') child.kill('SIGINT')
    written.stderr += chunk
  })
  await once(child, 'close')
  assert.equal(child.exitCode, EXITS.interrupted.code)
  assert.match(written.stderr, /the run goes on: crossfade status -w aws/)
  assert.equal(lastObject({ exit: null, ...written })['outcome'], 'running')
})

test('a server that goes away while watched exits 6 and says that the run may go on', async (t) => {
  const folder = temporaryFolder(t)
  const token = privateFile(folder, 'token', 'word\n')
  const { url } = await serveStub(t, (app) => {
    app.post('/api/v1/ops/migrate', () => RUN)
    app.get('/api/v1/ops/migrate/aws', (request) => {
      request.raw.socket.destroy()
    })
  })
  const answer = await runInProcess([...MIGRATE, '--url', url, '--token-file', token, '--json'], folder)
  assert.equal(answer.exit, EXITS.unavailable.code)
  assert.match(answer.stderr, /the run may go on without this command/)
  assert.equal((lastObject(answer)['error'] as Record<string, string>)['code'], 'server-unreachable')
})

test('put sends standard input byte for byte, and get gives it back on standard output or in a private file', async (t) => {
  const folder = temporaryFolder(t)
  const token = privateFile(folder, 'token', 'word\n')
  let stored: unknown = null
  const { url } = await serveStub(t, (app) => {
    app.put('/api/v1/secrets/aws/acme/a key', (request, reply) => {
      stored = request.body
      return reply.code(204).header('etag', '"e1"').send()
    })
    app.get('/api/v1/secrets/aws/acme/a key', (_request, reply) => reply.header('content-type', 'a/b').send(stored))
  })
  const target = ['--url', url, '--token-file', token]
  const value = 'line\nlast line without an end: é\u0000'
  const put = await runCrossfade(['put', 'aws', 'acme', 'a key', ...target, '--json'], folder, value)
  assert.deepEqual([put.exit, lastObject(put)['etag'], lastObject(put)['bytes']], [0, '"e1"', Buffer.byteLength(value)])
  const got = await runCrossfade(['get', 'aws', 'acme', 'a key', ...target], folder)
  assert.deepEqual([got.exit, got.stdout], [0, value])
  const output = join(folder, 'value')
  const kept = await runCrossfade(['get', 'aws', 'acme', 'a key', '-o', output, ...target], folder)
  assert.deepEqual([kept.exit, kept.stdout, readFileSync(output, 'utf8')], [0, '', value])
  assert.equal(statSync(output).mode & 0o777, 0o600)
  const again = await runCrossfade(['get', 'aws', 'acme', 'a key', '-o', output, ...target], folder)
  assert.deepEqual([again.exit, readFileSync(output, 'utf8')], [EXITS.usage.code, value])
})

test('rollback acts at once, says how far it got, and needs neither --execute nor a reason', async (t) => {
  const folder = temporaryFolder(t)
  const token = privateFile(folder, 'token', 'word\n')
  const bodies: unknown[] = []
  const { url } = await serveStub(t, (app) => {
    app.post('/api/v1/ops/rollback', (request) => {
      bodies.push(JSON.parse(String(request.body)))
      const still_new = { secrets: 500, quarantined: 0, until: 'store-away', seconds: null, stores: ['vaulted'] }
      return { caps: [], durable: false, replicas: { applied: 2, of: 3 }, still_new }
    })
  })
  const answer = await runInProcess(['rollback', '--all', '--url', url, '--token-file', token], folder)
  assert.equal(answer.exit, EXITS.ok.code)
  assert.deepEqual(bodies, [{ selector: '*', to: 'off' }])
  assert.match(answer.stderr, /applied by 2 of 3 replicas/)
  assert.match(answer.stderr, /not durable yet/)
  assert.match(answer.stderr, /500 secrets are still answered by new.*0 after the new store is back/)
})

test('flags set is a dry run that says so, until --execute', async (t) => {
  const folder = temporaryFolder(t)
  const token = privateFile(folder, 'token', 'word\n')
  const bodies: Record<string, unknown>[] = []
  const { url } = await serveStub(t, (app) => {
    app.post('/api/v1/ops/flags', (request) => {
      const body = JSON.parse(String(request.body)) as Record<string, unknown>
      bodies.push(body)
      return { executed: body['execute'], changes: [] }
    })
  })
  const target = ['--url', url, '--token-file', token]
  const dry = await runInProcess(['flags', 'set', 'owner=x', 'shadow', '--cohort', 'pilot', ...target], folder)
  const real = await runInProcess(
    ['flags', 'set', '--all', 'live', '--percent', '30', '--execute', '--reason', 'go', ...target],
    folder,
  )
  assert.deepEqual([dry.exit, real.exit], [0, 0])
  assert.match(dry.stderr, /nothing was changed/)
  assert.doesNotMatch(real.stderr, /nothing was changed/)
  assert.deepEqual(
    [bodies[0]?.['execute'], bodies[0]?.['cohort'], bodies[0]?.['selector']],
    [false, 'pilot', 'owner=x'],
  )
  const asked = { selector: '*', phase: 'live', reason: 'go', percent: 30 }
  assert.deepEqual(bodies.slice(1), [
    { ...asked, execute: false },
    { ...asked, execute: true },
  ])
})

test('open mismatches are listed and exit 3', async (t) => {
  const folder = temporaryFolder(t)
  const token = privateFile(folder, 'token', 'word\n')
  const row = { id: '1', integration: 'aws', customer: 'acme', name: 'k', class: 'value', at: RUN.started_at }
  const prints = { legacy_fingerprint: 'a', new_fingerprint: 'b', legacy_version: null, new_version: null }
  const { url } = await serveStub(t, (app) => {
    app.get('/api/v1/ops/mismatches', () => ({ mismatches: [{ ...row, ...prints, resolved_at: null }], next: null }))
  })
  const answer = await runInProcess(['mismatches', 'aws', '--url', url, '--token-file', token], folder)
  assert.equal(answer.exit, EXITS.mismatches.code)
  assert.match(answer.stdout, /aws +acme +k +value/)
})

test('flags of a server are set integration by integration, and what failed is named and exits 5', async (t) => {
  const folder = temporaryFolder(t)
  const token = privateFile(folder, 'token', 'word\n')
  const names = ['aws', 'azure', 'github']
  const asked: string[] = []
  const change = (integration: string) => ({ integration, cohort: null, from: 'off', to: 'live', effective: 'live' })
  const { url } = await serveStub(t, (app) => {
    app.post('/api/v1/ops/flags', (request, reply) => {
      const { execute, selector } = JSON.parse(String(request.body)) as { execute: boolean; selector: string }
      if (execute) asked.push(selector)
      if (execute && selector === 'azure')
        return reply
          .code(409)
          .send({ code: 'flag-disturbed', title: 'Someone else', detail: 'crossfade.azure', next: 'Look.' })
      const chosen = execute ? [selector] : names
      const changes = chosen.map((name) => ({ ...change(name), waits_for: [] }))
      return { executed: execute, one_by_one: true, changes }
    })
  })
  const argv = ['flags', 'set', '--all', 'live', '--execute', '--reason', 'go', '--url', url, '--token-file', token]
  const answer = await runInProcess(argv, folder)
  assert.equal(answer.exit, EXITS.partial.code)
  assert.deepEqual(asked.sort(), names)
  assert.match(answer.stdout, /azure +all +off +live +off +Someone else: crossfade\.azure \(flag-disturbed\)/)
  assert.match(answer.stdout, /github +all +off +live +live +nothing/)
  assert.match(answer.stderr, /3\/3 integrations/)
})
