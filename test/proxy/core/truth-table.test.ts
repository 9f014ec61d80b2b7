import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '../../../core/fault.ts'
import type { Side } from '../../../core/side.ts'
import { PHASES, type Phase, PLANS } from '../../../flags/phase.ts'
import type { Trouble } from '../../support/faulty-store.ts'
import { SECRET, secretOf, withCore } from './with-core.ts'

/** What happens to the store that is written first, and to the other one. */
type Weather = 'fair' | 'first-refused' | 'first-unknown' | 'second-refused' | 'second-unknown'

interface Expected {
  /** `ok`, or the code that the client is told. */
  readonly told: 'ok' | 'store-unavailable' | 'outcome-unknown'
  /** What every phase reads afterwards; `either`: a write of unknown outcome may or may not take effect. */
  readonly reads: 'after' | 'before' | 'either'
  /** Whether the other side owes until a settle. */
  readonly owes: boolean
}

const applied = (owes: boolean): Expected => ({ told: 'ok', reads: 'after', owes })
const NOT_APPLIED: Expected = { told: 'store-unavailable', reads: 'before', owes: false }
const UNKNOWN: Expected = { told: 'outcome-unknown', reads: 'either', owes: true }

const BOTH_SIDES = {
  fair: applied(false),
  'first-refused': NOT_APPLIED,
  'first-unknown': UNKNOWN,
  'second-refused': applied(true),
  'second-unknown': applied(true),
} as const satisfies Record<Weather, Expected>

/** One side is written: the other owes on purpose, and its weather does not matter. */
const ONE_SIDE = {
  fair: applied(true),
  'first-refused': NOT_APPLIED,
  'first-unknown': UNKNOWN,
  'second-refused': applied(true),
  'second-unknown': applied(true),
} as const satisfies Record<Weather, Expected>

const TABLE = {
  off: ONE_SIDE,
  dualwrite: BOTH_SIDES,
  shadow: BOTH_SIDES,
  live: BOTH_SIDES,
  rampdown: BOTH_SIDES,
  complete: ONE_SIDE,
} as const satisfies Record<Phase, Record<Weather, Expected>>

const TROUBLE: Record<Weather, readonly [which: 'first' | 'second', trouble: Trouble | null]> = {
  fair: ['first', null],
  'first-refused': ['first', 'refused'],
  'first-unknown': ['first', 'unknown-applied'],
  'second-refused': ['second', 'refused'],
  'second-unknown': ['second', 'unknown-applied'],
}

const sideFor = (phase: Phase, which: 'first' | 'second'): Side => {
  const { first } = PLANS[phase]
  return which === 'first' ? first : first === 'legacy' ? 'new' : 'legacy'
}

for (const phase of PHASES) {
  for (const [weather, expected] of Object.entries(TABLE[phase]) as [Weather, Expected][]) {
    for (const operation of ['put', 'delete'] as const) {
      test(`${operation} in ${phase}, ${weather}: told ${expected.told}, every phase reads ${expected.reads}`, async (t) => {
        const core = await withCore(t)
        core.setPhase('dualwrite')
        await core.secrets.write(SECRET, secretOf('before'), { kind: 'none' })
        await core.lazy.flush()
        core.setPhase(phase)
        const [which, trouble] = TROUBLE[weather]
        const store = core.stores[sideFor(phase, which)]
        store.troubleWrites(trouble)
        const none = { kind: 'none' } as const
        const run =
          operation === 'put' ? core.secrets.write(SECRET, secretOf('after'), none) : core.secrets.remove(SECRET, none)
        const told = await run.then(
          () => 'ok',
          (error: unknown) => (isFault(error) ? error.code : 'not a fault'),
        )
        store.troubleWrites(null)
        await core.lazy.flush()
        assert.equal(told, expected.told)
        const after = operation === 'put' ? 'after' : null
        const allowed: readonly (string | null)[] = { after: [after], before: ['before'], either: ['before', after] }[
          expected.reads
        ]
        for (const as of PHASES) assert.ok(allowed.includes(await core.served(as)), `served in ${as}`)
        const { row } = await core.ledger.ask(SECRET)
        assert.equal(row?.fresh !== 'both', expected.owes)
      })
    }
  }
}
