import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { systemClock } from '../../../core/clock.ts'
import { isFault } from '../../../core/fault.ts'
import { makeMemory } from '../../../ledger/memory.ts'
import { makeNames } from '../../../ledger/postgres/names.ts'
import { makeReplica } from '../../../ledger/replica.ts'
import { makeSecrets } from '../../../proxy/core/secrets.ts'
import { beginning, COMPLETE, finishing, INTEGRATION, withLedger } from '../../ledger/with-ledger.ts'
import { SECRET, secretOf, withCore } from '../../proxy/core/with-core.ts'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

const SQL =
  'create table t (customer text not null, name text not null, value text not null, primary key (customer, name));'
const DEBTS = 50_000

const owing = (name: string) => ({ ...SECRET, name })

caseOf(['review', '4'], 'a replica loads its debts in pages, and what changes meanwhile is merged', {}, async (t) => {
  const { database, ledger, replicas } = await withLedger(t)
  await database.query(
    null,
    `insert into crossfade.secret (integration, customer, name, version, fresh, seq, first, blank, gone)
       select $1, 'acme', 'n' || lpad(n::text, 6, '0'), 1, 'legacy', 1, 'legacy', false, false from generate_series(1, $2) n`,
    [INTEGRATION, DEBTS],
  )
  const memory = makeMemory()
  const pages: number[] = []
  const moved = owing('n000001')
  const replica = makeReplica({
    id: randomUUID(),
    name: 'r1',
    lease: 60_000,
    ledger: {
      ...ledger,
      debts: async (after, limit) => {
        const page = await ledger.debts(after, limit)
        pages.push(page.length)
        if (pages.length > 1) return page
        // A write moves the first secret to new behind the load, and tells this replica, whose lease it sees.
        assert.equal((await replicas.live()).length, 1)
        const write = beginning({ address: moved, plan: COMPLETE })
        await ledger.begin(write)
        const done = await ledger.finish(finishing(write, 'debt'))
        assert.equal(done.kind, 'done')
        if (done.kind === 'done') memory.debt({ address: moved, fresh: 'new', seq: done.seq })
        return page
      },
    },
    replicas,
    memory,
    clock: systemClock,
    drained: async () => undefined,
    hears: () => true,
  })
  await replica.start()
  t.after(() => replica.stop())
  assert.ok(replica.trusted())
  assert.equal(memory.size, DEBTS)
  assert.deepEqual([memory.debtOf(moved), memory.debtOf(owing('n050000'))], ['new', 'legacy'])
  assert.ok(Math.max(...pages) <= 5000, String(pages))
})

caseOf(['review', '12'], 'a load and a drain that take long delay no renewal of the lease', {}, async (t) => {
  const { ledger, replicas, stages } = await withLedger(t, { enrolled: false })
  const slow = Promise.withResolvers<void>()
  let drains = 0
  const replica = makeReplica({
    id: randomUUID(),
    name: 'r1',
    lease: 60_000,
    ledger,
    replicas,
    memory: makeMemory(),
    clock: systemClock,
    drained: () => {
      drains += 1
      return slow.promise
    },
    hears: () => true,
  })
  await replica.start()
  t.after(() => replica.stop())
  const row = await stages.transition(INTEGRATION, 'enrolling')
  while (drains === 0) await replica.keep()
  const ends = async () => (await replicas.live()).map(({ silentFor, applied }) => ({ silentFor, applied }))
  const before = await ends()
  assert.deepEqual(before, [{ silentFor: 0, applied: {} }])
  await replica.keep()
  assert.ok(replica.trusted(), 'it renewed while the drain goes on')
  slow.resolve()
  await stages.everyReplica(row, () => undefined, t.signal)
})

caseOf(['review', '12'], 'a lease is renewed while every other connection to the ledger is taken', {}, async (t) => {
  const home = await makeHome(t, { sql: SQL, edit: (c) => ({ ...c, ledger: { ...c.ledger, max_connections: 2 } }) })
  const { application } = await home.serve()
  const { database, replica, replicas } = application.engine.parts
  const held = Promise.withResolvers<void>()
  const taken = [1, 2, 3, 4].map(() =>
    database.transaction(async (query) => {
      await query(null, 'select 1', [])
      await held.promise
    }),
  )
  while (database.connections().waiting === 0) await turn()
  await replica.keep()
  assert.ok(replica.trusted())
  held.resolve()
  await Promise.allSettled(taken)
  assert.equal((await replicas.live()).length, 1)
})

caseOf(['review', '11'], 'of two replicas without a bus that start at once one starts', {}, async (t) => {
  const home = await makeHome(t, { sql: SQL })
  const started = await Promise.allSettled([home.serve(), home.serve()])
  const refused = started.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  assert.deepEqual(
    refused.map((error) => (isFault(error) ? error.code : error)),
    ['second-replica'],
  )
})

caseOf(['review', '10'], 'enrol waits for a write of unknown outcome that ends while it drains', {}, async (t) => {
  const core = await withCore(t, { enrolled: false })
  const arrived = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const deadline = Promise.withResolvers<void>()
  core.stores.legacy.troubleWrites('unknown-lost')
  core.stores.legacy.beforeWrite(() => {
    arrived.resolve()
    return answer.promise
  })
  const clock = { ...systemClock, sleep: () => deadline.promise }
  const secrets = makeSecrets({ ...core.deps, clock }, core.lazy, makeNames(core.database))
  const write = assert.rejects(secrets.write(SECRET, secretOf('v1'), { kind: 'none' }), { code: 'outcome-unknown' })
  await arrived.promise
  let drained = false
  const draining = core.deps.bareWrites.drained(INTEGRATION).then(() => {
    drained = true
  })
  answer.resolve()
  await write
  await turn()
  assert.equal(drained, false, 'it may still land')
  deadline.resolve()
  await draining
})
