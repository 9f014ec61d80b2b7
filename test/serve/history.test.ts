import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeSample } from '../../ledger/postgres/progress-history.ts'
import { BARE, enrolAll, get, INTEGRATION, ledgerServer, makeSystem, put } from './replicas.ts'

const ledger = ledgerServer()
const limits = { timeout: 120_000 }

test(
  'status counts each cohort, and history ends with the same figures; both follow what clients do',
  limits,
  async (t) => {
    const system = await makeSystem(t, await ledger(), { redis: null })
    const replica = await system.start('only', 'dualwrite')
    const { application, ops } = replica
    await enrolAll(replica)
    const { engine } = application
    const sample = () => takeSample(engine.parts.database, engine.flags.cohorts.of, 0)
    await put(replica, 'a', 'one')
    await sample()
    await put(replica, 'b', 'two')
    assert.equal((await get(replica, 'a')).value, 'one')
    await engine.lazy.flush()

    const { integrations } = await ops.call('status', { query: {} })
    const status = integrations.find(({ integration }) => integration === INTEGRATION)
    const bare = integrations.find(({ integration }) => integration === BARE)
    const counts = Object.fromEntries((status?.cohorts ?? []).map(({ cohort, counts: own }) => [cohort, own?.copied]))
    assert.deepEqual(counts, { dogfood: 0, pilot: 0, general: 2 })
    assert.equal(status?.counts?.copied, 2)
    assert.deepEqual([bare?.counts, bare?.counted_at, bare?.cohorts[0]?.counts], [null, null, null])

    const by = async (what: 'integration' | 'owner' | 'cohort') => {
      const { series, next } = await ops.call('history', { query: { by: what, points: 3 } })
      assert.equal(next, null)
      return series.map(({ key, points }) => [key, points.at(-1)?.counts.copied])
    }
    assert.deepEqual(await by('integration'), [[INTEGRATION, 2]])
    assert.deepEqual(await by('owner'), [['team', 2]])
    assert.deepEqual(await by('cohort'), [['general', 2]])

    const since = new Date(Date.now() - 3_600_000).toISOString()
    const past = await ops.call('history', { query: { selector: INTEGRATION, since, until: new Date().toISOString() } })
    assert.equal(past.series[0]?.points.at(-1)?.counts.copied, 1, 'a closed span ends with its last sample')
    const page = await ops.call('history', { query: { limit: 1 } })
    assert.deepEqual([page.series.length, page.next], [1, INTEGRATION])
    assert.deepEqual((await ops.call('history', { query: { limit: 1, after: INTEGRATION } })).series, [])
  },
)

test('a span that ends before it begins is refused', limits, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const { ops } = await system.start('only', 'off')
  const query = { since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }
  await assert.rejects(ops.call('history', { query }), { code: 'parameter-refused' })
})
