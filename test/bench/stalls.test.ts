import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STALL_MS, stallsOf } from '../../bench/scenarios/debtwrite-stalls.ts'

const slow = (sent: number, ms = STALL_MS + 1) => ({ sent, answered: sent + ms })

test('writes that were held up together are one stall, from the first sent to the last answered', () => {
  assert.deepEqual(stallsOf([slow(100), slow(0), slow(50, 2000)]), [{ sent: 0, answered: 2050 }])
})

test('writes that were held up one after the other are as many stalls, and quick ones are none', () => {
  assert.deepEqual(stallsOf([slow(0), slow(10, STALL_MS), slow(5000)]), [slow(0), slow(5000)])
})
