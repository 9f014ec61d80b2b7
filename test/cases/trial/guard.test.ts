import assert from 'node:assert/strict'
import type { Cap } from '../../../flags/caps.ts'
import { INTEGRATION, withGuard } from '../../flags/guard/with-guard.ts'
import { caseOf } from '../support/case.ts'

const ROLLBACK: Cap = {
  integration: INTEGRATION,
  cohort: null,
  kind: 'rollback',
  phase: 'off',
  reason: 'new is out',
  by: 'ops',
  at: 0,
}

caseOf(
  ['trial', 'F8'],
  'what failed before a rollback is no reason for the guard to cap after its lift',
  {},
  async (t) => {
    const day = await withGuard(t, 'live', { min_samples: 20 })
    await day.write('one', 'v1')
    for (let read = 0; read < 30; read += 1) await day.read('one')
    day.stores.new.troubleReads(true)
    // Below what the guard judges alone, and far above its budget with what follows.
    for (let read = 0; read < 8; read += 1) await day.read('one').catch(() => undefined)
    day.caps.add(ROLLBACK)
    day.stores.new.troubleReads(false)
    assert.equal(day.phaseOf(), 'off')
    day.watch.round()
    assert.deepEqual(day.watch.guard.watched(), [], 'the windows begin anew')

    day.caps.remove(ROLLBACK)
    for (let read = 0; read < 60; read += 1) await day.read('one')
    day.watch.round()
    assert.deepEqual(day.caps.list(), [])
    assert.equal(day.watch.guard.watched()[0]?.figures.new.errors, 0)

    day.stores.new.troubleReads(true)
    for (let read = 0; read < 60; read += 1) await day.read('one').catch(() => undefined)
    day.watch.round()
    assert.equal(day.caps.list()[0]?.kind, 'guard', 'and what fails now counts')
  },
)
