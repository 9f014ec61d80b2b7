import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeLadder } from '../../flags/ladder.ts'
import { AROUND_RULES, type AroundCode, lintDocument } from '../../flags/lint-document.ts'
import { document, flag, step, where } from './at-hand.ts'

const AROUND = { cohorts: ['pilot'], integrations: ['aws'], environment: 'development' }
const GOOD = makeLadder('aws', 'live')
const many = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const onTop = (more: object) => flag('aws', [{ ...step('aws', 'live', 10), ...more }, step('aws', 'off')])

/** One document a rule that breaks exactly this rule; the two that only the admin side shows are tested there. */
const BROKEN: Record<Exclude<AroundCode, 'strategy-disabled' | 'sticky-field'>, object> = {
  'flag-malformed': document([{ ...GOOD, strategies: 'none' }]),
  'wrong-environment': document([GOOD], { query: { environment: 'production' } }),
  'no-environment': document([GOOD], { query: {} }),
  'missing-flag': document([]),
  'unknown-flag': document([GOOD, makeLadder('azure')]),
  'impression-data': document([{ ...GOOD, impressionData: true }]),
  'parent-flag': document([{ ...GOOD, dependencies: [{ feature: 'kill' }, { feature: 'kill' }] }]),
  'too-many-strategies': document([
    flag('aws', [
      ...many(30).map((id) => step('aws', 'live', 100, [where('customerId', 'IN', `customer-${id}`)])),
      step('aws', 'off'),
    ]),
  ]),
  'too-many-values': document([
    onTop({ constraints: [where('customerId', 'IN', ...many(251).map((id) => `customer-${id}`))] }),
  ]),
  'too-many-segments': document([onTop({ segments: many(6) })], {
    segments: many(6).map((id) => ({ id, constraints: [] })),
  }),
}

for (const [code, broken] of Object.entries(BROKEN)) {
  test(`lint finds ${code}: ${AROUND_RULES[code as AroundCode]}`, () => {
    assert.deepEqual(
      lintDocument(broken, AROUND)?.map((finding) => finding.code),
      [code],
    )
  })
}

test('a document with one ladder an integration is fine, and flags of others are nobody’s business', () => {
  assert.deepEqual(lintDocument(document([GOOD, { ...GOOD, name: 'checkout.button' }]), AROUND), [])
})

test('what is not of the format at all is no document', () => {
  assert.equal(lintDocument({ features: 'none' }, AROUND), null)
})
