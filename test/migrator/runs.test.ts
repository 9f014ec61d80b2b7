import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeJournal } from '../../ledger/postgres/journal.ts'
import type { SliceOptions } from '../../migrator/migrate.ts'
import { plan } from '../../migrator/plan.ts'
import { at, INTEGRATION, type MigratorOptions, names, secretOf, withMigrator } from './with-migrator.ts'
import { withRuns as withRunsOf } from './with-runs.ts'

type TestContext = Parameters<typeof withMigrator>[0]

const withRuns = async (t: TestContext, options: MigratorOptions = {}) => {
  const under = await withMigrator(t, options)
  return { ...under, ...withRunsOf(under), journal: makeJournal(under.database) }
}

const order = { integration: INTEGRATION, kind: 'migrate', actor: 'ann', reason: 'moving house' } as const

test('a run enrols, inventories, copies and verifies, and is told and written down', async (t) => {
  const { runs, core, seed, journal, registry, work } = await withRuns(t, { enrolled: false })
  await seed(names(40))
  const { kind, run } = await runs.start(order)
  assert.deepEqual([kind, run.outcome, run.stage, run.endedAt], ['created', 'queued', 'enrol', null])
  const stages = new Set<string>()
  const ended = await work({
    onProgress: ({ stage, waitingFor }) => {
      stages.add(stage)
      if (waitingFor.includes('r1')) void core.replica.refresh()
    },
  })
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

test('one run of an integration at a time, and every process sees it', async (t) => {
  const { runs, seed, work, other } = await withRuns(t)
  await seed(names(3))
  const first = await runs.start(order)
  const second = await other().start({ ...order, kind: 'verify' })
  assert.deepEqual([second.kind, second.run.run, second.run.what], ['active', first.run.run, 'migrate'])
  assert.equal((await work())?.outcome, 'done')
  assert.equal((await other().get(INTEGRATION))?.outcome, 'done')
  assert.equal((await other().start({ ...order, kind: 'verify' })).kind, 'created')
  const ended = await work()
  assert.deepEqual([ended?.what, ended?.outcome], ['verify', 'done'])
})

test('a stop in the middle of any stage leaves a run that another process completes', async (t) => {
  for (const stage of ['inventory', 'backfill', 'verify'] as const) {
    const { runs, seed, stores, work } = await withRuns(t, { batch: 5, page: 5 })
    await seed(names(30))
    const stop = new AbortController()
    const mark = async (here: string): Promise<void> => {
      if (here === stage && (await runs.get(INTEGRATION))?.held) stop.abort()
    }
    stores.new.gate('scan', async (real, ...args) => {
      await mark('inventory')
      return real(...args)
    })
    stores.new.gate('putMany', async (real, ...args) => {
      await mark('backfill')
      return real(...args)
    })
    stores.new.gate('getMany', async (real, ...args) => {
      const isCopied = (await runs.get(INTEGRATION))?.stages.length === 4 && stage === 'verify'
      if (isCopied) await mark('verify')
      return real(...args)
    })
    await runs.start(order)
    const stopped = await work({ stop: stop.signal })
    assert.deepEqual([stopped?.outcome, stopped?.held], ['running', false], stage)
    const ended = await work()
    assert.deepEqual([ended?.outcome, ended?.counts?.verified, ended?.counts?.left], ['done', 30, 0], stage)
  }
})

test('a paused run stands still until it is resumed, and a cancelled one ends', async (t) => {
  const { runs, seed, stores, work, journal } = await withRuns(t, { batch: 5 })
  await seed(names(30))
  let slice = {} as SliceOptions
  const onSlice = (now: SliceOptions): void => {
    slice = now
  }
  const heard = (signal: AbortSignal) =>
    new Promise((resolve) => (signal.aborted ? resolve(null) : signal.addEventListener('abort', resolve)))
  let asked: Promise<unknown> | null = null
  const told = () => journal.list([INTEGRATION], 10)
  const events = async () => (await told()).map(({ kind }) => kind)
  stores.new.gate('putMany', async (real, ...args) => {
    asked ??= runs.pause(INTEGRATION, 'ann')
    await asked
    await heard(slice.over)
    return real(...args)
  })
  await runs.start(order)
  const paused = await work({ onSlice })
  assert.deepEqual([paused?.outcome, paused?.stage, paused?.held], ['paused', 'backfill', false])
  assert.equal(await work(), null)
  assert.equal((await runs.resume(INTEGRATION, 'bob'))?.outcome, 'queued')
  assert.deepEqual(await events(), ['run-resumed', 'run-paused', 'run-started'])
  asked = null
  stores.new.gate('putMany', async (real, ...args) => {
    asked ??= runs.cancel(INTEGRATION, 'bob')
    await asked
    await heard(slice.signal)
    return real(...args)
  })
  const ended = await work({ onSlice })
  assert.deepEqual([ended?.outcome, ended?.message], ['cancelled', 'cancelled by bob'])
  stores.new.gate('putMany', null)
  assert.equal(await runs.pause(INTEGRATION, 'ann'), null)
  await runs.start(order)
  assert.equal((await runs.cancel(INTEGRATION, 'bob'))?.outcome, 'cancelled')
  assert.deepEqual(
    (await told()).slice(0, 4).map(({ kind, actor }) => [kind, actor]),
    [
      ['run-ended', 'bob'],
      ['run-started', 'ann'],
      ['run-ended', 'bob'],
      ['run-cancelled', 'bob'],
    ],
  )
  await runs.start(order)
  const last = await work()
  assert.deepEqual([last?.outcome, last?.counts?.verified], ['done', 30])
})

test('a run whose slice died goes on, stands still or ends, as it was told', async (t) => {
  const { runs, records, seed, work, wakened } = await withRuns(t)
  await seed(names(10))
  for (const wanted of ['run', 'pause', 'cancel'] as const) {
    const { run } = await runs.start(order)
    assert.equal((await records.take(run.run, 'dead/1', 300))?.held, true)
    assert.equal(await records.take(run.run, 'other/1', 300), null)
    if (wanted !== 'run') await runs[wanted](INTEGRATION, 'ann')
    await wakened()
    const ended = await work()
    if (wanted === 'run') assert.deepEqual([ended?.outcome, ended?.counts?.verified], ['done', 10])
    if (wanted === 'pause') assert.equal((await runs.cancel(INTEGRATION, 'ann'))?.outcome, 'cancelled')
    if (wanted === 'cancel') assert.equal((await runs.get(INTEGRATION))?.outcome, 'cancelled')
  }
})

test('one stage can be run alone, again and again', async (t) => {
  const { runs, seed, work } = await withRuns(t)
  await seed(names(8))
  for (const stage of ['inventory', 'inventory', 'backfill', 'verify', 'backfill'] as const) {
    await runs.start({ ...order, stages: [stage] })
    const ended = await work()
    assert.deepEqual([ended?.outcome, ended?.stage, ended?.stages], ['done', stage, [stage]])
  }
  assert.equal((await runs.get(INTEGRATION))?.counts?.verified, 8)
})

test('differences end a run as mismatches, with the figures of each class', async (t) => {
  const { runs, seed, plant, work } = await withRuns(t)
  await seed(names(5))
  await runs.start(order)
  await work()
  await plant('new', names(5)[0] ?? at('none'), secretOf('wrong'))
  await runs.start({ ...order, kind: 'verify' })
  const ended = await work()
  assert.deepEqual([ended?.outcome, ended?.verified?.mismatches.value], ['mismatches', 1])
})

test('a run that a state forbids has failed, and says why', async (t) => {
  const { runs, core, work } = await withRuns(t)
  await core.stages.transition(INTEGRATION, 'finalizing')
  await runs.start(order)
  const ended = await work()
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
  const { deps, seed, runs, work } = await withRuns(t)
  await seed(names(5))
  await runs.start(order)
  await work()
  const made = await plan({ ...deps, phases: () => [] }, INTEGRATION, 'migrate')
  assert.deepEqual(
    made.stages.filter((s) => s.needed).map((s) => s.stage),
    ['verify'],
  )
  assert.equal(made.counts?.copied, 5)
})
