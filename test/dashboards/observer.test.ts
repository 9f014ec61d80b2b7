import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeMetrics } from '../../bin/serve/metrics.ts'
import { makeObserver, type ObserverParts } from '../../bin/serve/observer.ts'
import { systemClock } from '../../core/clock.ts'
import type { Outlook } from '../../flags/outlook.ts'
import type { Phase } from '../../flags/phase.ts'
import { NO_COUNTS } from '../../ledger/postgres/progress.ts'

type Samples = { readonly values: readonly { readonly labels: object; readonly value: number }[] }

const samplesOf = async (metric: { get(): Promise<Samples> }) =>
  (await metric.get()).values.map(({ labels, value }) => [...Object.values(labels), value])

const outlook = (integration: string, cohort: string, requested: Phase, runs: Phase): Outlook => ({
  integration,
  cohort,
  asks: [],
  requested,
  cap: null,
  pin: null,
  runs,
})

/** Two integrations: github is enrolled and capped in one cohort, aws is bare. */
function withObserver(parts: Partial<ObserverParts> = {}) {
  const metrics = makeMetrics()
  const outlooks: Record<string, readonly Outlook[]> = {
    github: [outlook('github', 'pilot', 'live', 'shadow'), outlook('github', 'rest', 'shadow', 'shadow')],
    aws: [outlook('aws', 'pilot', 'off', 'off'), outlook('aws', 'rest', 'off', 'off')],
  }
  const section = { legacy: 'homegrown', new: 'vaulted', owner: 'team-a' }
  const observer = makeObserver({
    config: { integrations: { github: section, aws: { ...section, owner: undefined } } } as never,
    flags: {
      integrations: ['github', 'aws'],
      outlook: (integration: string) => outlooks[integration] ?? [],
      caps: { version: () => 0 },
      phases: { history: () => [] },
      cohorts: { names: ['pilot', 'rest'] },
    } as never,
    state: (integration) => (integration === 'github' ? 'enrolled' : 'bare'),
    counts: async () => new Map([['github', { ...NO_COUNTS, discovered: 5, left: 2 }]]),
    debts: async () => [{ integration: 'github', fresh: 'legacy', debts: 2, stuck: 1 }],
    workers: async () => 3,
    metrics,
    clock: systemClock,
    sample: 5000,
    ...parts,
  })
  return { observer, metrics, outlooks }
}

test('phases are gauges by cohort, as numbers, and integrations are counted by the highest that runs', async () => {
  const { observer, metrics, outlooks } = withObserver()
  await observer.lookAtPhases()
  assert.deepEqual(await samplesOf(metrics.flags.requested), [
    ['github', 'pilot', 3],
    ['github', 'rest', 2],
    ['aws', 'pilot', 0],
    ['aws', 'rest', 0],
  ])
  assert.deepEqual((await samplesOf(metrics.flags.effective))[0], ['github', 'pilot', 2])
  const highest = Object.fromEntries(await samplesOf(metrics.flags.integrations)) as Record<string, number>
  assert.deepEqual([highest['off'], highest['shadow'], highest['live']], [1, 1, 0])
  assert.deepEqual(await samplesOf(metrics.flags.info), [
    ['github', 'team-a', 'homegrown', 'vaulted', 'enrolled', 1],
    ['aws', 'nobody', 'homegrown', 'vaulted', 'bare', 1],
  ])

  outlooks['github'] = [outlook('github', 'everybody', 'live', 'live')]
  await observer.lookAtPhases()
  const cohorts = (await samplesOf(metrics.flags.effective)).map(([integration, cohort]) => `${integration} ${cohort}`)
  assert.deepEqual(cohorts, ['github everybody', 'aws pilot', 'aws rest'], 'a cohort that went leaves no series')
})

test('secrets and debts are counted for those that the ledger tracks, zeros too', async () => {
  const asked: (readonly string[])[] = []
  const { observer, metrics } = withObserver({
    counts: async (integrations) => {
      asked.push(integrations)
      return new Map([['github', { ...NO_COUNTS, discovered: 5, left: 2 }]])
    },
  })
  await observer.count()
  assert.deepEqual(asked, [['github']])
  const secrets = await samplesOf(metrics.migrator.secrets)
  assert.ok(secrets.some(([, state, value]) => state === 'left' && value === 2))
  assert.deepEqual(await samplesOf(metrics.migrator.debts), [
    ['github', 'legacy', 2],
    ['github', 'new', 0],
  ])
  assert.deepEqual(await samplesOf(metrics.migrator.stuck), [['github', 1]])
})

test('a ledger that does not answer leaves what was counted before', async () => {
  let away = false
  const { observer, metrics } = withObserver({
    debts: async () => {
      if (away) throw new Error('away')
      return [{ integration: 'github', fresh: 'new', debts: 3, stuck: 0 }]
    },
  })
  await observer.count()
  away = true
  await assert.rejects(observer.count(), /away/)
  assert.deepEqual((await samplesOf(metrics.migrator.debts))[1], ['github', 'new', 3])
})
