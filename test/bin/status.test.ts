import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { groupCounts } from '../../bin/cli/count-groups.ts'
import { EXITS } from '../../bin/cli/exit-codes.ts'
import { makePaces, paceCells } from '../../bin/cli/pace.ts'
import type { Clock } from '../../core/clock.ts'
import type { Counts, IntegrationStatus, Status } from '../../proxy/ops/status.ts'
import { lastObject, privateFile, runInProcess, temporaryFolder } from './run-crossfade.ts'
import { serveStub } from './stub-server.ts'

const AT = '2026-01-02T03:04:05.000Z'

const counts = (copied: number, left: number, verified = 0): Counts => ({
  discovered: copied + left,
  copied,
  verified,
  owing: 0,
  mismatched: 0,
  quarantined: 0,
  tombstones: 0,
  left,
  arrived: 0,
})

const integration = (name: string, owner: string | null, parts: readonly Counts[] | null): IntegrationStatus => ({
  integration: name,
  owner,
  state: parts === null ? 'bare' : 'enrolled',
  inventoried: parts !== null,
  stores: { legacy: 'old', new: 'sealed' },
  cohorts: ['dogfood', 'general'].map((cohort, i) => ({
    cohort,
    requested: 'off',
    effective: 'off',
    runs: 'off',
    why: 'the flag asks for it',
    waits: [],
    counts: parts?.[i] ?? null,
  })),
  caps: [],
  still_new: null,
  guard: null,
  counts: parts === null ? null : counts(parts[0]?.copied ?? 0, parts[0]?.left ?? 0),
  counted_at: parts === null ? null : AT,
  bypass: null,
  open_mismatches: 0,
  outcomes: [],
})

const whole = (one: IntegrationStatus, sum: Counts): IntegrationStatus => ({ ...one, counts: sum })
const aws = whole(integration('aws', 'team-a', [counts(1, 1), counts(2, 6)]), counts(3, 7))
const github = whole(integration('github', 'team-a', [counts(0, 0), counts(40, 0)]), counts(40, 0))
const slack = integration('slack', null, null)

test('counts add up by integration, owner and cohort; what is not enrolled is not counted', () => {
  const by = (what: 'integration' | 'owner' | 'cohort') =>
    groupCounts([aws, github, slack], what).map(({ key, integrations, counts: c }) => [
      key,
      integrations,
      c.copied,
      c.left,
    ])
  assert.deepEqual(by('integration'), [
    ['aws', 1, 3, 7],
    ['github', 1, 40, 0],
  ])
  assert.deepEqual(by('owner'), [['team-a', 2, 43, 7]])
  assert.deepEqual(by('cohort'), [
    ['dogfood', 2, 1, 1],
    ['general', 2, 42, 6],
  ])
})

test('the pace is that of copying until nothing is left, then that of verifying', () => {
  const paces = makePaces()
  assert.deepEqual(paceCells(paces.look('aws', counts(100, 300), 0)), ['-', '-'])
  assert.deepEqual(paceCells(paces.look('aws', counts(200, 200), 1000)), ['100/s', '2s'])
  assert.deepEqual(paceCells(paces.look('github', counts(0, 5), 1000)), ['-', '-'])
  paces.look('aws', counts(400, 0), 2000)
  const verifying = paces.look('aws', counts(400, 0, 200), 3000)
  assert.equal(verifying.eta_seconds !== null && verifying.eta_seconds > 0, true)
  assert.equal(paces.look('aws', counts(400, 0, 400), 4000).eta_seconds, 0)
})

const NOTHING_AWAY: Status['away'] = { ledger: false, stores: [], unfit: [] }

const serveStatus = async (t: TestContext, integrations: IntegrationStatus[], away = NOTHING_AWAY) => {
  const folder = temporaryFolder(t)
  const { url } = await serveStub(t, (app) => {
    app.get('/api/v1/ops/status', (): Status => {
      return {
        at: AT,
        caps: { durable: true, applied: 1, of: 1 },
        integrations,
        away,
        configured: { problems: [], left_out: [], differing: [] },
        latencies: [],
      }
    })
  })
  const argv = ['--url', url, '--token-file', privateFile(folder, 'token', 'word\n')]
  return { folder, argv }
}

test('status --by prints counts alone, one line a group', async (t) => {
  const { folder, argv } = await serveStatus(t, [aws, github, slack])
  const { exit, stdout } = await runInProcess(['status', '--by', 'owner', ...argv], folder)
  assert.equal(exit, EXITS.ok.code)
  assert.match(stdout, /^OWNER +INTEGRATIONS +DISCOVERED +COPIED +VERIFIED +LEFT +OWING/)
  assert.match(stdout, /^team-a +2 +50 +43 +0 +7 +0/m)
})

test('status says what does not answer, and what is in quarantine, which no column shows', async (t) => {
  const odd = { ...aws, counts: { ...counts(3, 7), quarantined: 2 } }
  const { folder, argv } = await serveStatus(t, [odd, github], {
    ledger: true,
    stores: ['sealed'],
    unfit: [{ store: 'old', detail: 'this role lacks SELECT on t', stops: 'all' }],
  })
  const { stdout } = await runInProcess(['status', ...argv], folder)
  assert.match(stdout, /^the ledger does not answer: nothing is counted/m)
  assert.match(stdout, /^store sealed does not answer: it is new; what it owes is settled when it is back$/m)
  assert.match(stdout, /^store old is not served: this role lacks SELECT on t$/m)
  assert.match(stdout, /^aws: 2 secrets are in quarantine: crossfade quarantine list aws$/m)
  assert.doesNotMatch(stdout, /github: /)
})

test('status -w --json is a line a look, with rates, until it is stopped', async (t) => {
  const { folder, argv } = await serveStatus(t, [aws, slack])
  const controller = new AbortController()
  let slept = 0
  const clock: Clock = {
    wall: () => 0,
    monotonic: () => slept,
    sleep: async (ms) => {
      if (slept > 0) controller.abort()
      slept += ms
    },
  }
  const watched = await runInProcess(['status', '-w', '--json', ...argv], folder, controller.signal, clock)
  assert.equal(watched.exit, EXITS.interrupted.code)
  assert.equal(watched.stdout.trimEnd().split('\n').length, 2)
  const { integrations, rates } = lastObject(watched) as unknown as Status & { rates: unknown }
  assert.equal(integrations.length, 2)
  assert.deepEqual(rates, [{ integration: 'aws', per_second: 0, eta_seconds: null }])
})

test('history asks for a span that ends now, and prints a line a point', async (t) => {
  const folder = temporaryFolder(t)
  let query: Record<string, string> = {}
  const { url } = await serveStub(t, (app) => {
    app.get('/api/v1/ops/history', (request) => {
      query = request.query as Record<string, string>
      const points = [
        { at: AT, counts: counts(0, 10) },
        { at: AT, counts: counts(9, 1) },
      ]
      return { by: 'owner', since: AT, until: AT, step_seconds: 60, series: [{ key: '', points }], next: null }
    })
  })
  const argv = ['--url', url, '--token-file', privateFile(folder, 'token', 'word\n')]
  const before = Date.now()
  const answer = await runInProcess(['history', 'aws', '--by', 'owner', '--since', '2h', ...argv], folder)
  const ago = Date.parse(query['since'] ?? '')
  assert.equal(ago >= before - 7_200_000 && ago <= Date.now() - 7_200_000, true, query['since'])
  assert.deepEqual([query['selector'], query['by'], query['points'], query['until']], ['aws', 'owner', '24', undefined])
  assert.match(answer.stdout, new RegExp(`^OWNER +AT +DISCOVERED.*\n- +${AT} +10 +0 +0 +10.*\n +${AT} +10 +9 +0 +1`))
  const wrong = await runInProcess(['history', 'aws', '--since', 'yesterday', ...argv], folder)
  assert.equal(wrong.exit, EXITS.usage.code)
})

test('status says what new still answers after a flag led back, where nothing is capped, and nothing of nothing', async (t) => {
  const none = { quarantined: 0, seconds: null, stores: [] }
  const back = { ...aws, still_new: { ...none, secrets: 7, until: 'unknown' as const } }
  const over = { ...github, still_new: { ...none, secrets: 0, until: 'now' as const } }
  const { folder, argv } = await serveStatus(t, [back, over, slack])
  const { stdout } = await runInProcess(['status', '--all', ...argv], folder)
  assert.match(stdout, /^aws: 7 secrets are still answered by new, because only it holds the latest write/m)
  assert.doesNotMatch(stdout, /the caps run on|no secret is answered/)
})
