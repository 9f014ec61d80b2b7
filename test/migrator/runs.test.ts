import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { makeJournal } from '../../ledger/postgres/journal.ts'
import { migrate } from '../../migrator/migrate.ts'
import { plan } from '../../migrator/plan.ts'
import { makeRuns, type Run } from '../../migrator/runs.ts'
import { at, INTEGRATION, type MigratorOptions, names, secretOf, withMigrator } from './with-migrator.ts'

type TestContext = Parameters<typeof withMigrator>[0]

async function withRuns(t: TestContext, options: MigratorOptions = {}) {
  const under = await withMigrator(t, options)
  const journal = makeJournal(under.database)
  const runs = makeRuns({
    migrate: (request, watch) => migrate(under.deps, request, watch),
    journal,
    clock: under.deps.clock,
    metrics: under.metrics,
    newId: randomUUID,
  })
  t.after(() => runs.stop())
  return { ...under, runs, journal }
}

const order = { integration: INTEGRATION, kind: 'migrate', actor: 'ann', reason: 'moving house' } as const

/** Resolves with the run once `holds`. */
const until = (runs: ReturnType<typeof makeRuns>, holds: (run: Run) => boolean): Promise<Run> =>
  new Promise((resolve) => {
    const stop = runs.watch(INTEGRATION, (run) => {
      if (!holds(run)) return
      stop()
      resolve(run)
    })
  })

test('a run enrols, inventories, copies and verifies, and is told and written down', async (t) => {
  const { runs, core, seed, journal, registry } = await withRuns(t, { enrolled: false })
  await seed(names(40))
  const run = await runs.start(order)
  assert.deepEqual([run.outcome, run.stage, run.endedAt], ['running', 'enrol', null])
  const stages = new Set<string>()
  runs.watch(INTEGRATION, ({ stage, throttledBy }) => {
    stages.add(stage)
    if (throttledBy === 'r1') void core.replica.refresh()
  })
  const ended = await runs.ended(INTEGRATION)
  assert.deepEqual([ended?.outcome, ended?.stage, ended?.done, ended?.total], ['done', 'verify', 40, 40])
  assert.deepEqual([ended?.counts?.copied, ended?.counts?.verified, ended?.counts?.left], [40, 40, 0])
  assert.deepEqual([...stages], ['enrol', 'inventory', 'backfill', 'verify'])
  assert.deepEqual(
    (await journal.list([INTEGRATION], 10)).map((event) => [event.kind, event.actor]),
    [
      ['run-ended', 'ann'],
      ['run-started', 'ann'],
    ],
  )
  assert.match(await registry.metrics(), /crossfade_runs_total\{kind="migrate",outcome="done"\} 1/)
})

test('one run of an integration at a time', async (t) => {
  const { runs, seed, stores } = await withRuns(t)
  await seed(names(3))
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  stores.legacy.gate('scan', async (real, ...args) => {
    await held
    return real(...args)
  })
  await runs.start(order)
  await assert.rejects(runs.start({ ...order, kind: 'verify' }), { code: 'run-active', status: 409 })
  release()
  assert.equal((await runs.ended(INTEGRATION))?.outcome, 'done')
  assert.equal((await runs.start({ ...order, kind: 'verify' })).what, 'verify')
  assert.equal((await runs.ended(INTEGRATION))?.outcome, 'done')
})

test('a stop in the middle of any stage leaves a run that the next one completes', async (t) => {
  for (const stage of ['inventory', 'backfill', 'verify'] as const) {
    const first = await withRuns(t, { batch: 5, page: 5 })
    await first.seed(names(30))
    let reached = () => {}
    const there = new Promise<void>((resolve) => {
      reached = resolve
    })
    const mark = (here: string): void => {
      if (here === stage && first.runs.get(INTEGRATION)?.stage === stage) reached()
    }
    first.stores.new.gate('scan', (real, ...args) => {
      mark('inventory')
      return real(...args)
    })
    first.stores.new.gate('putMany', (real, ...args) => {
      mark('backfill')
      return real(...args)
    })
    first.stores.new.gate('getMany', (real, ...args) => {
      mark('verify')
      return real(...args)
    })
    await first.runs.start(order)
    await there
    await first.runs.stop()
    assert.equal(first.runs.get(INTEGRATION)?.outcome, 'cancelled', stage)
    await assert.rejects(first.runs.start(order), { code: 'run-active' })
    const next = makeRuns({
      migrate: (request, watch) => migrate(first.deps, request, watch),
      journal: first.journal,
      clock: first.deps.clock,
      metrics: first.metrics,
      newId: randomUUID,
    })
    await next.start(order)
    const ended = await next.ended(INTEGRATION)
    assert.deepEqual([ended?.outcome, ended?.counts?.verified, ended?.counts?.left], ['done', 30, 0], stage)
  }
})

test('an operator cancels the run on its way', async (t) => {
  const { runs } = await withRuns(t, { enrolled: false })
  const waiting = (await runs.start(order)) && until(runs, (run) => run.throttledBy === 'r1')
  assert.equal((await waiting).stage, 'enrol')
  assert.equal(runs.cancel(INTEGRATION), true)
  const ended = await runs.ended(INTEGRATION)
  assert.deepEqual([ended?.outcome, ended?.message], ['cancelled', 'cancelled by an operator'])
  assert.equal(runs.cancel(INTEGRATION), false)
})

test('differences end a run as mismatches, with the figures of each class', async (t) => {
  const { runs, seed, plant } = await withRuns(t)
  await seed(names(5))
  await runs.start(order)
  await runs.ended(INTEGRATION)
  await plant('new', names(5)[0] ?? at('none'), secretOf('wrong'))
  await runs.start({ ...order, kind: 'verify' })
  const ended = await runs.ended(INTEGRATION)
  assert.deepEqual([ended?.outcome, ended?.verified?.mismatches.value], ['mismatches', 1])
})

test('a run that a state forbids has failed, and says why', async (t) => {
  const { runs, core } = await withRuns(t)
  await core.stages.transition(INTEGRATION, 'finalizing')
  await runs.start(order)
  const ended = await runs.ended(INTEGRATION)
  assert.equal(ended?.outcome, 'failed')
  assert.match(ended?.message ?? '', /^stage-refused: aws cannot become enrolling: it is finalizing$/)
})

test('a plan writes nothing and says what would be done, how much, and what to mind', async (t) => {
  const { deps, seed, plant, database, rows } = await withRuns(t, { enrolled: false, page: 10 })
  await seed(names(25))
  await plant('new', at('foreign'), secretOf('x'))
  const image = () =>
    database.query(
      null,
      'select (select jsonb_agg(i) from crossfade.integration i) as i, count(*) from crossfade.secret',
      [],
    )
  const before = await image()
  const made = await plan({ ...deps, phases: () => ['general: off'] }, INTEGRATION, 'migrate')
  assert.deepEqual(await image(), before)
  assert.equal((await rows()).length, 0)
  assert.deepEqual([made.state, made.counts, made.phases], ['bare', null, ['general: off']])
  assert.deepEqual(made.names, { legacy: { names: 25, more: false }, new: { names: 1, more: false } })
  assert.deepEqual(
    made.stages.map((s) => [s.stage, s.needed]),
    [
      ['enrol', true],
      ['inventory', true],
      ['backfill', true],
      ['verify', true],
    ],
  )
  assert.match(made.risks.join('\n'), /new lists 1 names already/)
  assert.deepEqual(made.next, [`crossfade migrate ${INTEGRATION} --execute --reason "..."`])
})

test('a plan of a migrated integration needs nothing but a verify', async (t) => {
  const { deps, seed, runs } = await withRuns(t)
  await seed(names(5))
  await runs.start(order)
  await runs.ended(INTEGRATION)
  const made = await plan({ ...deps, phases: () => [] }, INTEGRATION, 'migrate')
  assert.deepEqual(
    made.stages.filter((s) => s.needed).map((s) => s.stage),
    ['verify'],
  )
  assert.equal(made.counts?.copied, 5)
})
