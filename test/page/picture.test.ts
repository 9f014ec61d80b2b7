import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leftOf, secondsLeft } from '../../dashboards/page/burndown.ts'
import { changesOf, NO_PICTURE, withLook } from '../../dashboards/page/picture.ts'
import type { History } from '../../proxy/ops/history.ts'
import type { LiveMessage } from '../../proxy/ops/live-messages.ts'
import type { RatePoint } from '../../proxy/ops/rates.ts'

const runs = (integration: string, effective: 'off' | 'live') =>
  ({ kind: 'integration', row: { integration, cohorts: [{ cohort: 'pilot', effective }] } }) as unknown as LiveMessage
const BEAT: LiveMessage = { kind: 'beat', at: '2026-01-01T00:00:00.000Z', unknown: [] }
const rates = (...at: readonly string[]): LiveMessage => ({
  kind: 'rates',
  points: at.map((instant) => ({ at: instant }) as RatePoint),
})

test('a line replaces its like, and figures over time are added once, also after a connection that was lost', () => {
  const first = withLook(NO_PICTURE, [runs('aws', 'off'), runs('github', 'off'), rates('1', '2'), BEAT], true)
  const picture = withLook(first, [runs('aws', 'live'), rates('1', '2', '3'), BEAT], false)
  assert.deepEqual([...picture.integrations.keys()], ['aws', 'github'])
  assert.equal(picture.integrations.get('aws')?.cohorts[0]?.effective, 'live')
  assert.deepEqual(
    picture.rates.map(({ at }) => at),
    ['1', '2', '3'],
  )
})

test('who listens is told what runs now and did not before, and nothing when the page opens', () => {
  const before = withLook(NO_PICTURE, [runs('aws', 'off'), runs('github', 'off'), BEAT], true)
  assert.deepEqual(changesOf(NO_PICTURE, before), [])
  const now = withLook(before, [runs('aws', 'live'), BEAT], false)
  assert.deepEqual(changesOf(before, now), ['aws, pilot: runs live now.'])
})

test('hundreds that change at once, as when everything is rolled back, are one sentence', () => {
  const all = (phase: 'off' | 'live') => Array.from({ length: 350 }, (_, at) => runs(`integration-${at}`, phase))
  const before = withLook(NO_PICTURE, [...all('live'), BEAT], true)
  const now = withLook(before, [...all('off'), BEAT], false)
  assert.deepEqual(changesOf(before, now), ['350 cohorts run another phase now.'])
})

test('after a server that knows fewer integrations was started, the others are gone; not if it could not look', () => {
  const before = withLook(NO_PICTURE, [runs('aws', 'off'), runs('github', 'off'), BEAT], true)
  const blind: LiveMessage = { kind: 'beat', at: '2026-01-01T00:00:01.000Z', unknown: ['status'] }
  assert.deepEqual([...withLook(before, [blind], true).integrations.keys()], ['aws', 'github'])
  assert.deepEqual([...withLook(before, [runs('aws', 'off'), BEAT], true).integrations.keys()], ['aws'])
})

/** A history of one minute between two points. */
const history = (series: Readonly<Record<string, readonly number[]>>): History =>
  ({
    series: Object.entries(series).map(([key, lefts]) => ({
      key,
      points: lefts.map((left, minute) => ({
        at: `2026-01-01T00:0${minute}:00.000Z`,
        counts: { left, discovered: 100, verified: 90 - left },
      })),
    })),
  }) as unknown as History

test('a burndown sums what was chosen, and tells the end from how it went of late', () => {
  const told = history({ aws: [60, 40, 20], github: [30, 20, 10] })
  assert.deepEqual(
    leftOf(told, null).map(({ toCopy }) => toCopy),
    [90, 60, 30],
  )
  assert.deepEqual(
    leftOf(told, 'github').map(({ toCopy, toVerify }) => [toCopy, toVerify]),
    [
      [30, 40],
      [20, 30],
      [10, 20],
    ],
  )
  assert.equal(secondsLeft(leftOf(told, 'aws')), 60)
  assert.equal(secondsLeft(leftOf(history({ aws: [20, 20] }), null)), null, 'it does not get less')
  assert.equal(secondsLeft(leftOf(history({ aws: [20, 0] }), null)), null, 'nothing is left')
})
