import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Feature, Strategy } from '../../flags/definition.ts'
import { LINT_RULES, type LintCode, lintFlag } from '../../flags/lint.ts'
import { flag, step, where } from './at-hand.ts'

const surroundings = { segments: new Map([[1, { id: 1, constraints: [] }]]), cohorts: ['pilot', 'general'] }
const END = step('aws', 'off')
const over = (strategy: Partial<Strategy>): Feature => flag('aws', [{ ...step('aws', 'live', 10), ...strategy }, END])
const parameters = (changed: object) => over({ parameters: { ...step('aws', 'live', 10).parameters, ...changed } })
const variant = (changed: object) =>
  over({ variants: [{ ...(END.variants[0] as Strategy['variants'][number]), ...changed }] })

/** One flag a rule that breaks exactly this rule: the type asks for every rule. */
const BROKEN: Record<LintCode, Feature> = {
  'unknown-strategy': over({ name: 'userWithId', parameters: { userIds: 'acme' } }),
  'rollout-out-of-range': parameters({ rollout: '1.5' }),
  'decreasing-percentage': flag('aws', [step('aws', 'live', 60), step('aws', 'shadow', 30), END]),
  'phase-order': flag('aws', [step('aws', 'shadow', 10), step('aws', 'live', 30), END]),
  'several-groups': parameters({ groupId: 'other' }),
  stickiness: parameters({ stickiness: 'userId' }),
  'variant-count': over({ variants: [] }),
  'variant-weight': variant({ weight: 500, payload: { type: 'string', value: 'live' } }),
  'unknown-phase': variant({ payload: { type: 'string', value: 'lve' } }),
  'unknown-field': over({ constraints: [where('region', 'IN', 'eu')] }),
  'unknown-segment': over({ segments: [9] }),
  'unknown-cohort': over({ constraints: [where('cohort', 'IN', 'pilto')] }),
  'no-final-step': flag('aws', [step('aws', 'live', 10)]),
  'feature-variants': flag('aws', [END], { variants: [{ name: 'a', weight: 1000 }] }),
  random: parameters({ stickiness: 'random' }),
}

for (const [code, feature] of Object.entries(BROKEN)) {
  test(`lint finds ${code}: ${LINT_RULES[code as LintCode]}`, () => {
    const found = lintFlag(feature, surroundings).map((finding) => finding.code)
    const implied = code === 'random' ? ['stickiness'] : []
    assert.deepEqual([...new Set(found)].sort(), [code, ...implied].sort())
  })
}

test('a ladder with pins, cohorts, segments and dates is fine', () => {
  const scheduled = { ...where('currentTime', 'DATE_AFTER'), value: '2027-01-01T00:00:00Z' }
  const good = flag('aws', [
    { ...step('aws', 'off'), segments: [1] },
    step('aws', 'live', 100, [where('cohort', 'IN', 'pilot'), scheduled]),
    step('aws', 'shadow', 10),
    step('aws', 'dualwrite', 60),
    END,
  ])
  assert.deepEqual(lintFlag(good, surroundings), [])
})

for (const rollout of ['150', '-1', 'ten', '', null, undefined]) {
  test(`a rollout of ${JSON.stringify(rollout)} is out of range`, () => {
    assert.ok(lintFlag(parameters({ rollout }), surroundings).some(({ code }) => code === 'rollout-out-of-range'))
  })
}
