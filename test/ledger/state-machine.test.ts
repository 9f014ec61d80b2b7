import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { BeginAnswer } from '../../ledger/ledger.ts'
import {
  beginning,
  COMPLETE,
  DUAL,
  finishing,
  INTEGRATION,
  LIVE,
  OFF,
  operate,
  SECRET,
  withLedger,
} from './with-ledger.ts'

const begun = (answer: BeginAnswer) => {
  assert.equal(answer.kind, 'begun')
  return answer as Extract<BeginAnswer, { kind: 'begun' }>
}

test('a lone clean write leaves both sides fresh and its fingerprint current', async (t) => {
  const { ledger } = await withLedger(t)
  await operate(ledger, beginning({ fingerprint: 'v1' }), 'clean')
  const { row } = await ledger.ask(SECRET)
  assert.deepEqual([row?.fresh, row?.current, row?.open, row?.version], ['both', 'v1', 0, 1])
})

test('a joiner puts to the register first, whatever its own phase says, and both sides', async (t) => {
  const { ledger } = await withLedger(t)
  const first = begun(await ledger.begin(beginning({ plan: DUAL })))
  const joiner = begun(await ledger.begin(beginning({ plan: COMPLETE })))
  assert.deepEqual([first.first, first.second, first.alone], ['legacy', 'new', true])
  assert.deepEqual([joiner.first, joiner.second, joiner.alone], ['legacy', 'new', false])
})

test('two writes that overlapped leave a debt although every put succeeded', async (t) => {
  const { ledger } = await withLedger(t)
  const [a, b] = [beginning({ fingerprint: 'a' }), beginning({ fingerprint: 'b' })]
  await ledger.begin(a)
  await ledger.begin(b)
  await ledger.finish(finishing(a, 'clean'))
  await ledger.finish(finishing(b, 'clean'))
  const { row } = await ledger.ask(SECRET)
  assert.deepEqual([row?.fresh, row?.current], ['legacy', null])
})

test('fresh moves to the other side only when the write there is finished', async (t) => {
  const { ledger } = await withLedger(t)
  await operate(ledger, beginning({ plan: OFF }), 'debt')
  const write = beginning({ plan: COMPLETE, fingerprint: 'v2' })
  const answer = begun(await ledger.begin(write))
  assert.deepEqual([answer.first, answer.fresh], ['new', 'legacy'])
  const finished = await ledger.finish(finishing(write, 'debt'))
  assert.equal(finished.kind === 'done' && finished.fresh, 'new')
  assert.ok(finished.kind === 'done' && finished.seq > answer.seq)
})

test('a refused lone write gives the row back as it was', async (t) => {
  const { ledger } = await withLedger(t)
  await operate(ledger, beginning({ fingerprint: 'v1' }), 'clean')
  await operate(ledger, beginning({ fingerprint: 'v2' }), 'failed')
  const { row } = await ledger.ask(SECRET)
  assert.deepEqual([row?.fresh, row?.current], ['both', 'v1'])
})

test('an operation that its lease ended can no longer finish', async (t) => {
  const { ledger } = await withLedger(t)
  const ended = beginning({ lease: -1 })
  await ledger.begin(ended)
  const next = begun(await ledger.begin(beginning({ plan: LIVE })))
  assert.equal(next.alone, true)
  assert.deepEqual(await ledger.finish(finishing(ended, 'clean')), { kind: 'void' })
})

test('a second put of unknown outcome keeps its operation open', async (t) => {
  const { ledger } = await withLedger(t)
  await operate(ledger, beginning(), 'debt-open')
  const { row } = await ledger.ask(SECRET)
  assert.deepEqual([row?.fresh, row?.open], ['legacy', 1])
  assert.deepEqual(await ledger.claim({ integration: INTEGRATION, source: null, limit: 5, lease: 1000 }), [])
})

test('the same begin sent twice answers the same and opens one operation', async (t) => {
  const { ledger } = await withLedger(t)
  const request = beginning()
  const [first, again] = [await ledger.begin(request), await ledger.begin(request)]
  assert.deepEqual(again, first)
  assert.equal((await ledger.ask(SECRET)).row?.open, 1)
})

test('two begins of one secret in one batch are two rounds', async (t) => {
  const { ledger } = await withLedger(t)
  const answers = (await Promise.all([ledger.begin(beginning()), ledger.begin(beginning())])).map(begun)
  assert.deepEqual(answers.map((a) => a.alone).sort(), [false, true])
  assert.deepEqual(answers.map((a) => a.version).sort(), [1, 2])
})

test('compare-and-set is judged against what the row knows, and excludes others', async (t) => {
  const { ledger } = await withLedger(t)
  assert.equal((await ledger.begin(beginning({ expect: 'v1' }))).kind, 'not-known')
  await operate(ledger, beginning({ fingerprint: 'v1' }), 'clean')
  assert.equal((await ledger.begin(beginning({ expect: 'v0' }))).kind, 'mismatch')
  const winner = beginning({ expect: 'v1', fingerprint: 'v2' })
  assert.equal((await ledger.begin(winner)).kind, 'begun')
  assert.equal((await ledger.begin(beginning({ expect: 'v1' }))).kind, 'busy')
  assert.equal((await ledger.begin(beginning())).kind, 'busy')
  await ledger.finish(finishing(winner, 'clean'))
  assert.equal((await ledger.begin(beginning({ expect: 'v1' }))).kind, 'mismatch')
})

test('a delete on stores without a fence waits for an empty row', async (t) => {
  const { ledger } = await withLedger(t)
  const put = beginning()
  await ledger.begin(put)
  const removal = beginning({ fingerprint: 'absent', needsQuiet: true })
  assert.equal((await ledger.begin(removal)).kind, 'busy')
  await ledger.finish(finishing(put, 'clean'))
  assert.equal((await ledger.begin(removal)).kind, 'begun')
  await ledger.finish(finishing(removal, 'clean'))
  const { row } = await ledger.ask(SECRET)
  assert.deepEqual([row?.deleted, row?.current], [true, 'absent'])
})

test('settle makes the fresh side its register, and writes both only if nobody began since', async (t) => {
  const { ledger } = await withLedger(t)
  await operate(ledger, beginning({ plan: OFF, fingerprint: 'v1' }), 'debt')
  const query = { integration: INTEGRATION, source: null, limit: 5, lease: 60_000 }
  const [overtaken] = await ledger.claim(query)
  assert.deepEqual([overtaken?.source, overtaken?.current], ['legacy', 'v1'])
  const write = beginning({ plan: LIVE, fingerprint: 'v2' })
  assert.equal(begun(await ledger.begin(write)).first, 'legacy')
  const equal = { kind: 'equal', fingerprint: 'v1', versions: {} } as const
  await ledger.settled([{ op: overtaken?.op as string, address: SECRET, result: equal }])
  assert.equal((await ledger.ask(SECRET)).row?.fresh, 'legacy')
  await ledger.finish(finishing(write, 'clean'))
  const [claim] = await ledger.claim(query)
  await ledger.settled([{ op: claim?.op as string, address: SECRET, result: { ...equal, fingerprint: 'v2' } }])
  const { row } = await ledger.ask(SECRET)
  assert.deepEqual([row?.fresh, row?.current], ['both', 'v2'])
})

test('a claim takes each debt once, and a settle of an ended claim is void', async (t) => {
  const { ledger } = await withLedger(t)
  await operate(ledger, beginning({ plan: OFF }), 'debt')
  const query = { integration: INTEGRATION, source: null, limit: 5, lease: 60_000 }
  const claims = (await Promise.all([ledger.claim(query), ledger.claim(query)])).flat()
  assert.equal(claims.length, 1)
  const ended = { op: randomUUID(), address: SECRET, result: { kind: 'later', reason: 'x' } } as const
  assert.deepEqual((await ledger.settled([ended])).of(ended), { kind: 'void' })
})

test('a settle that was refused is tried again only after its back-off, or when asked for by name', async (t) => {
  const { ledger } = await withLedger(t)
  await operate(ledger, beginning({ plan: OFF }), 'debt')
  const query = { integration: INTEGRATION, source: null, limit: 5, lease: 60_000 }
  const [claim] = await ledger.claim(query)
  await ledger.settled([{ op: claim?.op as string, address: SECRET, result: { kind: 'later', reason: 'down' } }])
  assert.deepEqual(await ledger.claim(query), [])
  assert.equal((await ledger.claim({ ...query, only: SECRET })).length, 1)
})

test('an integration without a ledger admits no begin, and finalizing admits complete only', async (t) => {
  const { ledger, stages } = await withLedger(t, { enrolled: false })
  assert.equal((await ledger.begin(beginning())).kind, 'reload')
  await stages.transition(INTEGRATION, 'enrolling')
  assert.equal((await ledger.begin(beginning({ plan: DUAL }))).kind, 'reload')
  await operate(ledger, beginning({ plan: OFF }), 'debt')
  await stages.transition(INTEGRATION, 'enrolled')
  await stages.transition(INTEGRATION, 'finalizing')
  assert.equal((await ledger.begin(beginning({ plan: LIVE }))).kind, 'reload')
  await assert.rejects(stages.transition(INTEGRATION, 'new-only'), { code: 'stage-refused' })
})
