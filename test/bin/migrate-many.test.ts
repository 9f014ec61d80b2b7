import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { EXITS } from '../../bin/cli/exit-codes.ts'
import { inOrder, type Move } from '../../bin/cli/moves/order.ts'
import type { Clock } from '../../core/clock.ts'
import { setPaceBody } from '../../proxy/ops/pace.ts'
import type { Counts, IntegrationStatus } from '../../proxy/ops/status.ts'
import { migrateBody, type Plan, type Run } from '../../proxy/ops/work.ts'
import { lastObject, privateFile, runInProcess, temporaryFolder } from './run-crossfade.ts'
import { serveStub } from './stub-server.ts'

const AT = '2026-01-02T03:04:05.000Z'
/** Waits are over at once. */
const clock: Clock = { wall: () => 0, monotonic: () => 0, sleep: async () => undefined }

const COUNTS: Counts = {
  discovered: 7,
  copied: 7,
  verified: 7,
  owing: 0,
  mismatched: 0,
  quarantined: 0,
  tombstones: 0,
  left: 0,
  arrived: 0,
}

const statusOf = (integration: string, requests: number, done: boolean): IntegrationStatus => ({
  integration,
  owner: 'team-a',
  state: done ? 'enrolled' : 'bare',
  inventoried: done,
  stores: { legacy: 'old', new: 'sealed' },
  cohorts: ['dogfood', 'general'].map((cohort) => ({
    cohort,
    requested: 'off',
    effective: 'off',
    runs: 'off',
    why: '',
    waits: [],
    counts: null,
  })),
  caps: [],
  still_new: null,
  guard: null,
  counts: done ? COUNTS : null,
  counted_at: null,
  bypass: null,
  open_mismatches: 0,
  outcomes: [{ operation: 'read', outcome: 'found', count: requests }],
})

const planOf = (integration: string, names: number): Plan => ({
  kind: 'plan',
  integration,
  stages: [{ stage: 'backfill', what: `copy ${names} secrets`, needed: true }],
  counts: null,
  names: { legacy: { names, more: false }, new: { names: 0, more: false } },
  risks: [],
  next: [],
})

const runOf = (integration: string, outcome: Run['outcome']): Run => ({
  kind: 'run',
  run: `run of ${integration}`,
  integration,
  what: 'migrate',
  outcome,
  stage: 'verify',
  done: 1,
  total: 1,
  per_second: null,
  eta_seconds: null,
  throttled_by: null,
  counts: null,
  message: outcome === 'failed' ? 'it broke' : null,
  started_at: AT,
  ended_at: outcome === 'running' || outcome === 'paused' ? null : AT,
})

/** A server with a large, a small and a finished integration; which runs end badly, and what was begun. */
async function withServer(t: TestContext, ends: Readonly<Record<string, Run['outcome']>> = {}) {
  const folder = temporaryFolder(t)
  const sizes: Readonly<Record<string, number>> = { large: 90_000, small: 12, busy: 12 }
  const done = new Set(['finished'])
  const all = () => [
    statusOf('large', 5, done.has('large')),
    statusOf('small', 3, done.has('small')),
    statusOf('busy', 100_000, done.has('busy')),
    statusOf('finished', 0, done.has('finished')),
  ]
  const begun: string[] = []
  const bodies: unknown[] = []
  const { url } = await serveStub(t, (app) => {
    app.get('/api/v1/ops/status', (request) => {
      const { selector = '*' } = request.query as { selector?: string }
      const integrations = all().filter(({ integration }) => selector === '*' || integration === selector)
      return {
        at: AT,
        caps: { durable: true, applied: 1, of: 1 },
        integrations,
        away: { ledger: false, stores: [] },
        latencies: [],
      }
    })
    app.post('/api/v1/ops/migrate', (request) => {
      const body = migrateBody.parse(JSON.parse(String(request.body)))
      bodies.push(body)
      if (!body.execute) return planOf(body.integration, sizes[body.integration] ?? 0)
      begun.push(body.integration)
      return runOf(body.integration, 'running')
    })
    app.post('/api/v1/ops/pace', (request) => {
      bodies.push(setPaceBody.parse(JSON.parse(String(request.body))))
      return { paces: [] }
    })
    app.get('/api/v1/ops/migrate/:integration', (request) => {
      const { integration } = request.params as { integration: string }
      const outcome = ends[integration] ?? 'done'
      if (outcome === 'done') done.add(integration)
      return { run: runOf(integration, outcome) }
    })
  })
  const argv = ['--url', url, '--token-file', privateFile(folder, 'token', 'word\n')]
  const crossfade = (...words: readonly string[]) =>
    runInProcess([...words, ...argv], folder, new AbortController().signal, clock)
  return { folder, begun, bodies, crossfade }
}

const move = (integration: string, n: number | null, requests: number): Move => ({
  integration,
  owner: null,
  secrets: n === null ? null : { n, more: false },
  requests,
  cohorts: [],
  done: false,
})

test('few secrets and little traffic come first, in orders of magnitude; what nobody could count comes last', () => {
  const moves = [
    move('unknown', null, 0),
    move('large', 1e6, 0),
    move('busy', 100, 1e6),
    move('small', 90, 100),
    move('idle', 100, 9),
  ]
  assert.deepEqual(
    inOrder(moves).map(({ integration }) => integration),
    ['idle', 'small', 'large', 'busy', 'unknown'],
  )
})

test('migrate --plan writes an order with reasons, which migrate --from follows', async (t) => {
  const { folder, begun, bodies, crossfade } = await withServer(t)
  const { exit, stdout } = await crossfade('migrate', '--all', '--plan')
  assert.equal(exit, EXITS.ok.code)
  assert.deepEqual(
    [...stdout.matchAll(/integration: (\w+) # (.+)/g)].map(([, name, why]) => [name, why]),
    [
      ['finished', 'team-a, 7 secrets, 0 requests seen; done already, and skipped'],
      ['small', 'team-a, 12 secrets, 3 requests seen'],
      ['large', 'team-a, 90000 secrets, 5 requests seen'],
      ['busy', 'team-a, 12 secrets, 100000 requests seen'],
    ],
  )
  assert.match(stdout, /# +crossfade flags set INTEGRATION --cohort dogfood dualwrite\n# +.*--cohort general/)

  const file = privateFile(folder, 'plan.yaml', stdout)
  const dry = await crossfade('migrate', '--from', file)
  assert.deepEqual([dry.exit, begun], [EXITS.ok.code, []])
  assert.match(dry.stdout, /plan for small.*plan for large.*plan for busy/s)
  assert.equal(
    bodies.every((body) => (body as { execute: boolean }).execute === false),
    true,
  )

  const done = await crossfade('migrate', '--from', file, '--execute', '--reason', 'wave 1', '--json')
  assert.deepEqual([done.exit, begun], [EXITS.ok.code, ['small', 'large', 'busy']])
  assert.equal(done.stdout.trimEnd().split('\n').length, 1)
  const { moved } = lastObject(done) as { moved: { integration: string; outcome: string }[] }
  assert.deepEqual(
    moved.map(({ integration, outcome }) => [integration, outcome]),
    [
      ['finished', 'skipped'],
      ['small', 'done'],
      ['large', 'done'],
      ['busy', 'done'],
    ],
  )
})

test('after one that does not end well nothing is begun, unless it shall keep going; run again, it goes on', async (t) => {
  const ends: Record<string, Run['outcome']> = { small: 'mismatches' }
  const { begun, crossfade } = await withServer(t, ends)
  const execute = (...more: readonly string[]) =>
    crossfade('migrate', '--all', '--execute', '--reason', 'wave 1', ...more)
  const stopped = await execute()
  assert.deepEqual([stopped.exit, begun], [EXITS.mismatches.code, ['small']])
  assert.match(stopped.stderr, /2 were not begun: run the same command again/)
  const kept = await execute('--keep-going', '--parallel', '2')
  assert.deepEqual([kept.exit, begun.toSorted()], [EXITS.mismatches.code, ['busy', 'large', 'small', 'small']])
  delete ends['small']
  assert.deepEqual([(await execute()).exit, begun.at(-1)], [EXITS.ok.code, 'small'])
})

test('a run that somebody paused is not waited for: it is left, and so are the others', {
  timeout: 60_000,
}, async (t) => {
  const { begun, crossfade } = await withServer(t, { small: 'paused' })
  const stopped = await crossfade('migrate', '--all', '--execute', '--reason', 'wave 1')
  assert.deepEqual([stopped.exit, begun], [EXITS.partial.code, ['small']])
  assert.match(stopped.stderr, /small: paused/)
})

test('each of many is begun at the pace that was asked for', async (t) => {
  const { folder, bodies, crossfade } = await withServer(t)
  const file = privateFile(folder, 'moves.yaml', 'version: 1\nmoves: [{ integration: small }]\n')
  const rate = ['--rate', '50', '--concurrency', '1'] as const
  assert.equal(
    (await crossfade('migrate', '--from', file, '--execute', '--reason', 'wave 1', ...rate)).exit,
    EXITS.ok.code,
  )
  assert.deepEqual(bodies, [
    { selector: 'small', rate: 50, concurrency: 1, reason: 'wave 1' },
    { integration: 'small', execute: true, reason: 'wave 1' },
  ])
})

test('a file of moves that is wrong exits 2 with every place, and begins nothing', async (t) => {
  const { folder, begun, crossfade } = await withServer(t)
  const follow = async (text: string) => {
    const file = privateFile(folder, 'wrong.yaml', text)
    const { exit, stderr } = await crossfade('migrate', '--from', file, '--execute', '--reason', 'go')
    assert.equal(exit, EXITS.usage.code)
    return stderr
  }
  const wrong = await follow(
    'version: 1\nparalel: 2\nmoves:\n  - integration: small\n  - integrtion: large\n  - integration: small\n',
  )
  assert.match(wrong, /wrong\.yaml:2:1 paralel: unknown key; did you mean parallel\?/)
  assert.match(wrong, /wrong\.yaml:5:\d+ moves\.1/)
  assert.match(
    await follow('version: 1\nmoves:\n  - integration: small\n  - integration: small\n'),
    /4:\d+ .*stands above already/,
  )
  assert.match(await follow('version: 1\nmoves:\n  - integration: nobody\n'), /3:\d+ .*knows no such integration/)
  assert.match(await follow('moves: ['), /moves-invalid/)
  assert.deepEqual(begun, [])
})

test('a plan only proposes, a file names its integrations, and what is executed wants a reason', async (t) => {
  const { begun, crossfade } = await withServer(t)
  const wrong = [
    ['migrate', '--all', '--plan', '--execute', '--reason', 'go'],
    ['migrate', 'small', '--from', 'plan.yaml'],
    ['migrate', '--all', '--execute'],
    ['migrate'],
    ['migrate', 'small', '--all'],
  ]
  for (const words of wrong) assert.equal((await crossfade(...words)).exit, EXITS.usage.code, words.join(' '))
  assert.deepEqual(begun, [])
})
