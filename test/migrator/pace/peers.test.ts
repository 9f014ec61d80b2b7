import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makePaceReports } from '../../../ledger/postgres/pace-reports.ts'
import { makeClients } from '../../../migrator/pace/clients.ts'
import { makePacePeers } from '../../../migrator/pace/peers.ts'
import { withMigrator } from '../with-migrator.ts'

/** Long enough for a slow machine: whoever stops says so. */
const LEASE_MS = 60_000

/** Processes in driven time on one ledger. */
async function withProcesses(t: TestContext) {
  const { database } = await withMigrator(t)
  const reports = makePaceReports(database)
  // A moment at which nobody holds still.
  let now = 1_700_000_005_000
  const clock = { monotonic: () => now, wall: () => now }
  const start = (id: string) => {
    let busy: readonly string[] = []
    const quietSince = (): number | null => peers.quietSince(busy.length > 0 ? null : Number.NEGATIVE_INFINITY)
    const clients = makeClients({ now: () => now, quietSince, factor: 1.2 })
    const peers = makePacePeers({
      clock,
      clients,
      busy: () => busy,
      exchange: (report) => reports.exchange(id, report, LEASE_MS),
      read: () => reports.others(id),
    })
    const [reads] = clients.signals
    assert.ok(reads !== undefined)
    return {
      peers,
      reads: reads.watch(),
      stillFor: () => clients.stillFor(now),
      work: async (...integrations: readonly string[]) => {
        busy = integrations
        await peers.look()
      },
      /** Reads of so many ms, one each ms. */
      serve: (count: number, ms: number) => {
        for (let n = 0; n < count; n += 1) {
          now += 1
          clients.observe('read', ms)
        }
      },
    }
  }
  return {
    start,
    /** To the next turn of the ten seconds in which all hold still. */
    turnTo: (millisecond: number) => {
      now += 10_000 - (now % 10_000) + millisecond
    },
  }
}

test('a rate is shared by the processes that work on an integration, for as long as they do', async (t) => {
  const { start } = await withProcesses(t)
  const [a, b] = [start('a'), start('b')]
  const sharers = async () => {
    await Promise.all([a.peers.look(), b.peers.look()])
    return ['aws', 'github'].map((name) => [a.peers.sharers(name), b.peers.sharers(name)])
  }
  const alone = [
    [1, 1],
    [1, 1],
  ]
  assert.deepEqual(await sharers(), alone)
  await a.work('aws')
  await b.work('aws', 'github')
  assert.deepEqual(await sharers(), [
    [2, 2],
    [2, 1],
  ])
  await b.work()
  assert.deepEqual((await sharers())[0], [1, 2], 'the other one still works on it')
  await a.work()
  assert.deepEqual(await sharers(), alone)
})

test('clients that suffer in one process slow down another one that serves nobody', async (t) => {
  const { start } = await withProcesses(t)
  const [serving, working] = [start('serving'), start('working')]
  serving.serve(400, 2)
  await working.work('aws')
  // It sees that somebody copies, tells of its clients, and is heard.
  await serving.peers.look()
  await serving.peers.look()
  await working.peers.look()
  assert.equal(working.reads.verdict(), 'silent')

  serving.serve(400, 2)
  await serving.peers.look()
  await working.peers.look()
  assert.equal(working.reads.verdict(), 'well')
  working.reads.forget()
  serving.serve(100, 40)
  await serving.peers.look()
  await working.peers.look()
  assert.equal(working.reads.verdict(), 'strained')
})

test('while another process copies, a baseline is taken in the pauses that all of them make', async (t) => {
  const { start, turnTo } = await withProcesses(t)
  const [serving, working] = [start('serving'), start('working')]
  serving.serve(400, 2)
  await working.work('aws')
  await serving.peers.look()
  await working.peers.look()
  assert.equal(serving.peers.quietSince(0), null)
  assert.equal(working.stillFor(), null)

  turnTo(0)
  serving.serve(100, 2)
  await serving.peers.look()
  await working.peers.look()
  assert.deepEqual([serving.stillFor(), working.stillFor()], [100, 100], 'both hold still for the clients of one')
  assert.equal(serving.peers.quietSince(0), null, 'what was begun before may not have ended')
  serving.serve(150, 2)
  assert.equal(typeof serving.peers.quietSince(0), 'number')
  assert.equal(serving.peers.quietSince(null), null, 'this process copies itself')
  await working.work()
  await serving.peers.look()
  assert.equal(serving.peers.quietSince(0), 0)
})
