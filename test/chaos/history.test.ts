import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type HistoryRecord, judge, overlapOf, type ReadRecord, type Told, type WriteRecord } from './history.ts'

const LEASE = 10
const SECRET = 'aws/acme/key'

const write = (id: string, from: number, to: number, told: Told = 'acknowledged'): WriteRecord => ({
  kind: 'write',
  id,
  secret: SECRET,
  value: id,
  from,
  to,
  told,
  note: 'a test',
})
const remove = (id: string, from: number, to: number, told: Told = 'acknowledged'): WriteRecord => ({
  ...write(id, from, to, told),
  value: null,
})
const read = (value: string | null, from: number, to: number, final = false): ReadRecord => ({
  kind: 'read',
  id: `r${from}`,
  secret: SECRET,
  from,
  to,
  value,
  note: 'a test',
  final,
})
const kinds = (...records: readonly HistoryRecord[]) =>
  judge(new Map([[SECRET, 'old']]), records, { lease: LEASE }).map(({ kind }) => kind)

describe('a history is rejected', () => {
  test('when a value that was acknowledged is not found', () => {
    assert.deepEqual(kinds(write('a', 1, 2), read(null, 3, 4)), ['lost'])
  })

  test('when it ends with a value older than the last acknowledged one', () => {
    assert.deepEqual(kinds(write('a', 1, 2), write('b', 3, 4), read('a', 5, 6, true)), ['lost'])
  })

  test('when a read shows a value that was replaced before it began', () => {
    assert.deepEqual(kinds(write('a', 1, 2), write('b', 3, 4), read('a', 5, 6)), ['stale'])
    assert.deepEqual(kinds(write('a', 1, 2), read('old', 3, 4)), ['stale'])
  })

  test('when a read shows what was told to have failed, or what nobody wrote', () => {
    assert.deepEqual(kinds(write('a', 1, 2, 'failed'), read('a', 3, 4)), ['stale'])
    assert.deepEqual(kinds(read('foreign', 3, 4)), ['stale'])
  })

  test('when a deleted secret comes back, also by a write whose outcome was unknown', () => {
    assert.deepEqual(kinds(remove('d', 1, 2), read('old', 3, 4)), ['resurrected'])
    assert.deepEqual(kinds(write('a', 1, 2, 'unknown'), remove('d', 3, 4), read('a', 5, 6)), ['resurrected'])
  })

  test('when an unknown write surfaces after its lease over a later acknowledged one', () => {
    const late = write('b', 3 + LEASE, 4 + LEASE)
    assert.deepEqual(kinds(write('a', 1, 2, 'unknown'), late, read('a', 15, 16)), ['stale'])
  })
})

describe('a history is accepted', () => {
  test('when a read beside a write shows the old value or the new one', () => {
    assert.deepEqual(kinds(write('a', 1, 5), read('old', 2, 3), read('a', 4, 6)), [])
  })

  test('when writes overlap and any of them is the last', () => {
    assert.deepEqual(kinds(write('a', 1, 5), write('b', 2, 4), read('a', 6, 7), read('b', 8, 9)), [])
  })

  test('when an unknown write is seen, or never, or surfaces within its lease over a later put', () => {
    const unknown = write('a', 1, 2, 'unknown')
    assert.deepEqual(kinds(unknown, read('a', 3, 4), read('old', 5, 6)), [])
    assert.deepEqual(kinds(unknown, write('b', 3, 4), read('a', 5, 6)), [])
  })

  test('when a deleted secret is written again', () => {
    assert.deepEqual(kinds(remove('d', 1, 2), read(null, 3, 4), write('a', 5, 6), read('a', 7, 8, true)), [])
  })
})

test('operations overlap if they ran at the same time on the same secret', () => {
  const elsewhere = { ...write('c', 1, 9), secret: 'aws/acme/other' }
  assert.equal(overlapOf([write('a', 1, 3), read('a', 2, 4), write('b', 5, 6), elsewhere]), 0.5)
})
