import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reconcile } from '../../../flags/code/reconcile.ts'
import type { Feature, Strategy } from '../../../flags/definition.ts'
import { makeLadder } from '../../../flags/ladder.ts'
import { flag, step, where } from '../at-hand.ts'

const WANTED = {
  integration: 'aws',
  ladder: { integration: 'aws', pins: [], cohorts: new Map(), rest: [{ phase: 'live', percent: 100 } as const] },
}
const apply = (held: Feature | null, takeOver = false) => reconcile(held, WANTED, { takeOver })
const phases = (held: Feature | null, takeOver = false) => {
  const edit = apply(held, takeOver)
  return edit.kind === 'edited' ? edit.feature.strategies.map(({ variants }) => variants[0]?.name) : edit.detail
}

const PIN: Strategy = step('aws', 'off', 100, [where('customerId', 'IN', 'acme')])
const END = step('aws', 'off')

test('a flag that does not exist is made, switched on', () => {
  const edit = apply(null)
  assert.equal(edit.kind === 'edited' && edit.feature.enabled, true)
  assert.deepEqual(phases(null), ['live'])
})

test('pins of single customers stay above the ladder', () => {
  assert.deepEqual(phases(flag('aws', [{ ...END, segments: [3] }, PIN, END])), ['off', 'off', 'live'])
})

test('a flag that someone switched off stays off', () => {
  const edit = apply({ ...makeLadder('aws', 'shadow'), enabled: false })
  assert.equal(edit.kind === 'edited' && edit.feature.enabled, false)
})

test('steps that someone put into another order are put right', () => {
  assert.deepEqual(phases(flag('aws', [PIN, step('aws', 'shadow', 60), step('aws', 'live', 10), END])), ['off', 'live'])
})

const FOREIGN: Readonly<Record<string, readonly [Feature, RegExp]>> = {
  'a strategy that Unleash added by itself': [
    flag('aws', [
      { ...END, parameters: { groupId: 'crossfade.aws', rollout: '100', stickiness: 'default' }, variants: [] },
    ]),
    /strategy 1 .* is neither a step of a ladder nor a pin/,
  ],
  'a strategy of another kind': [flag('aws', [{ ...END, name: 'userWithId' }, END]), /strategy 1/],
  'a pin below a step': [flag('aws', [END, PIN]), /strategy 2 .* is a pin of customers below a step/],
  'a parent': [flag('aws', [END], { dependencies: [{ feature: 'kill' }] }), /depends on kill/],
  'variants of the whole flag': [
    flag('aws', [END], { variants: [{ name: 'a', weight: 1000 }] }),
    /variants of the whole/,
  ],
}
for (const [what, [held, why]] of Object.entries(FOREIGN)) {
  test(`${what} is not overwritten, unless the file takes the flag over`, () => {
    const edit = apply(held)
    assert.match(edit.kind === 'refused' ? edit.detail : '', why)
    assert.ok(apply(held, true).kind === 'edited')
  })
}
