import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complaintsOf, type Result } from './allowed-lacks.ts'

const ran = (lacks: readonly string[]): Result => ({ passed: 40, failed: 0, lacks })
const complaints = (name: string, result: Result) => complaintsOf(new Map([[name, result]]))

test('a store may lack what is allowed to it, and not one thing more', () => {
  assert.deepEqual(complaints('sealed', ran([])), [])
  assert.deepEqual(complaints('sealed', ran(['metadata'])), ['sealed: lacks metadata, which it must have'])
  assert.deepEqual(complaints('kv1', ran(['conditional-writes', 'versions'])), [])
  assert.deepEqual(complaints('kv1', ran(['versions', 'late-writes-refused'])), [
    'kv1: lacks late-writes-refused, which it must have',
  ])
  assert.deepEqual(complaints('kv2', ran(['versions'])), ['kv2: lacks versions, which it must have'])
})

test('a table may lack what it has no column for, and only that', () => {
  assert.deepEqual(complaints('postgres bare text', ran(['versions', 'content-type', 'metadata'])), [])
  assert.deepEqual(complaints('postgres', ran(['content-type'])), ['postgres: lacks content-type, which it must have'])
  assert.deepEqual(complaints('postgres bare text', ran(['conditional-writes'])), [
    'postgres bare text: lacks conditional-writes, which it must have',
  ])
})

test('a store that nobody said anything about may lack nothing, and one that was not run is no success', () => {
  assert.deepEqual(complaints('etcd', ran(['metadata'])), ['etcd: lacks metadata, which it must have'])
  assert.deepEqual(complaints('kv2', { passed: 0, failed: 0, lacks: [] }), ['kv2: was not run'])
})
