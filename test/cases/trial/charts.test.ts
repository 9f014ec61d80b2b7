import assert from 'node:assert/strict'
import { loneSamples, timeRange } from '../../../dashboards/page/chart-range.ts'
import { caseOf } from '../support/case.ts'

caseOf(['trial', 'F14'], 'a chart of one sample or two shows them, over the time that they are of', {}, () => {
  assert.deepEqual(loneSamples([]), [])
  assert.deepEqual(loneSamples([5]), [0])
  assert.deepEqual(loneSamples([0, 5]), [], 'a line joins them')
  assert.deepEqual(loneSamples([5, null, 4, 3, null, undefined, 0]), [0, 6])
  assert.deepEqual(timeRange(1000, 1000), [970, 1030])
  assert.deepEqual(timeRange(1000, 1060), [1000, 1060])
})
