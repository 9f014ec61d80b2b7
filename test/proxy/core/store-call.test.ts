import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../../proxy/core/store-call.ts'
import { SECRET, secretOf, withCore } from './with-core.ts'

test('every call of a write is told, also the second one to new, by which the guard does not judge', async (t) => {
  const { secrets, stores, events, setPhase } = await withCore(t)
  const told = async (phase: 'shadow' | 'live') => {
    setPhase(phase)
    events.length = 0
    await secrets.write(SECRET, secretOf(phase), { kind: 'none' })
    return events.flatMap((event) => (event.kind === 'call' ? [[event.side, event.failed, event.judged]] : []))
  }
  stores.new.troubleWrites('refused')
  assert.deepEqual(await told('shadow'), [
    ['legacy', false, true],
    ['new', true, false],
  ])
  stores.new.troubleWrites(null)
  assert.deepEqual(await told('live'), [
    ['new', false, true],
    ['legacy', false, true],
  ])
})

test('what a store refuses for the value itself is no failure of the store', () => {
  for (const reason of ['rejected', 'unrepresentable', 'too-large', 'revoked', 'late'] as const)
    assert.equal(isFailure({ kind: 'refused', reason }), false, reason)
  for (const reason of ['unavailable', 'denied'] as const) assert.equal(isFailure({ kind: 'refused', reason }), true)
  assert.equal(isFailure({ kind: 'error', reason: 'rejected', passing: false }), true, 'of a read')
})
