import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { systemClock } from '../../core/clock.ts'
import { makeJobQueue } from '../../ledger/postgres/jobs.ts'
import { makeRunRecords } from '../../ledger/postgres/runs.ts'
import { makeWorkerRegistry } from '../../ledger/postgres/workers.ts'
import type { MigratorDeps } from '../../migrator/deps.ts'
import { runSlice } from '../../migrator/migrate.ts'
import { limitsOf, makePaces } from '../../migrator/pace/paces.ts'
import { makeRuns, type Run } from '../../migrator/runs.ts'
import { askForRun, type CronItem, makeWorker, type Worker } from '../../migrator/worker.ts'
import { makeGatedStore } from './gated-store.ts'
import { INTEGRATION, type MigratorOptions, names, withMigrator } from './with-migrator.ts'

type TestContext = Parameters<typeof withMigrator>[0]

interface WorkerHooks {
  readonly cron?: Readonly<Record<string, CronItem>>
  /** What it leads a run with; it helps with the stores as they are. */
  readonly leads?: MigratorDeps
}

/** Workers over the real queue of jobs, in the database of the ledger. */
async function withWorkers(t: TestContext, options: MigratorOptions = {}) {
  const under = await withMigrator(t, options)
  const { database, deps, metrics } = under
  const records = makeRunRecords(database)
  const registry = makeWorkerRegistry(database)
  const openQueue = () => makeJobQueue({ url: under.core.url, maxConnections: 10, statementTimeout: 10_000 }, 'jobs')
  const asking = openQueue()
  await asking.prepare()
  const runs = makeRuns({ records, job: askForRun(asking), clock: systemClock, newId: randomUUID })
  const stops: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const stop of stops) await stop()
    await asking.close()
  })
  const startWorker = (id: string, { cron = {}, leads = deps }: WorkerHooks = {}): Worker => {
    const queue = openQueue()
    const worker = makeWorker({
      id,
      name: id,
      kind: 'worker',
      records,
      registry,
      queue,
      slices: { run: (request, place, slice) => runSlice(leads, request, place, slice), metrics },
      // A pace of its own, as every process has: who leads must not use up the places of who helps.
      help: { ...deps, pace: makePaces({ clock: systemClock, limits: () => limitsOf(under.settings) }) },
      clock: systemClock,
      newId: randomUUID,
      jobs: 2,
      slice: 300,
      lease: 2000,
      patience: 20_000,
      cron,
    })
    worker.start()
    stops.push(async () => {
      await worker.stop()
      await queue.close()
    })
    return worker
  }
  return {
    ...under,
    runs,
    records,
    registry,
    asking,
    startWorker,
    /** Resolves with the run once `holds`. */
    until: async (holds: (run: Run) => boolean): Promise<Run> => {
      for (;;) {
        const run = await runs.get(INTEGRATION)
        if (run !== null && holds(run)) return run
      }
    },
  }
}

const order = { integration: INTEGRATION, kind: 'migrate', actor: 'ann', reason: 'moving house' } as const

test('a run waits for a worker, and whoever comes carries it to its end', async (t) => {
  const { runs, registry, startWorker, seed, until } = await withWorkers(t)
  await seed(names(30))
  await runs.start(order)
  assert.equal(await registry.live(), 0)
  const first = startWorker('w1')
  const ended = await until((run) => run.endedAt !== null)
  assert.deepEqual([ended.outcome, ended.counts?.verified], ['done', 30])
  assert.deepEqual(
    (await registry.list()).map(({ name, live, runs: has }) => [name, live, has]),
    [['w1', true, []]],
  )
  await first.stop()
  assert.deepEqual(await registry.list(), [])
})

test('two workers copy one integration, never the same secret', async (t) => {
  const { runs, registry, deps, startWorker, seed, stores, until, database } = await withWorkers(t, { batch: 5 })
  await seed(names(300))
  const puts = new Map<string, number>()
  stores.new.gate('putMany', (real, batch, call) => {
    for (const { address } of batch) puts.set(address.name, (puts.get(address.name) ?? 0) + 1)
    return real(batch, call)
  })
  const helped = async (): Promise<number> => {
    const [row] = await database.query<{ helped: number }>(null, 'select helped::int from crossfade.run', [])
    return row?.helped ?? 0
  }
  // Who leads holds its first secrets until another one has settled some.
  const held = makeGatedStore(stores.new)
  held.gate('putMany', async (real, batch, call) => {
    while ((await helped()) === 0);
    return real(batch, call)
  })
  const leads = { ...deps, pairs: (name: string) => ({ ...deps.pairs(name), stores: { ...stores, new: held } }) }
  startWorker('w1', { leads })
  startWorker('w2', { leads })
  while ((await registry.live()) < 2);
  await runs.start(order)
  const ended = await until((run) => run.endedAt !== null)
  assert.deepEqual([ended.outcome, ended.counts?.verified, ended.counts?.left], ['done', 300, 0])
  assert.equal(puts.size, 300)
  assert.deepEqual([...new Set(puts.values())], [1])
})

test('the jobs of a worker whose lease is over are free at once, and its run goes on', async (t) => {
  const { runs, records, registry, asking, startWorker, seed, until, database } = await withWorkers(t)
  await seed(names(10))
  const { run } = await runs.start(order)
  // A worker that took the job and died: the queue would keep it locked for four hours.
  await database.query(null, "update jobs._private_jobs set locked_at = now(), locked_by = 'pool-dead'", [])
  await records.take(run.run, 'dead/1', 1)
  await registry.renew({ id: 'dead', name: 'dead', kind: 'worker', pools: ['pool-dead'], lease: 1 })
  const freed: (readonly string[])[] = []
  const bury = () =>
    registry.bury(async (query, pools) => {
      freed.push(pools)
      await asking.free(query, pools)
    })
  while ((await bury()) === 0);
  assert.equal(await bury(), 0)
  assert.deepEqual(freed, [['pool-dead']])
  startWorker('w1')
  const ended = await until((found) => found.endedAt !== null)
  assert.deepEqual([ended.outcome, ended.counts?.verified], ['done', 10])
})

test('a job that was lost is asked for anew', async (t) => {
  const { runs, startWorker, seed, until, database } = await withWorkers(t)
  await seed(names(5))
  await runs.start(order)
  await database.query(null, 'delete from jobs._private_jobs', [])
  startWorker('w1')
  assert.equal((await until((run) => run.endedAt !== null)).outcome, 'done')
})
