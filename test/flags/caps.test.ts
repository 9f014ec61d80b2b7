import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Cap, makeCapBook } from '../../flags/caps.ts'
import { judgeLift, rollbackCap } from '../../flags/rollback.ts'

const cap = (given: Partial<Cap>): Cap => ({
  integration: 'aws',
  cohort: null,
  kind: 'gate',
  phase: 'shadow',
  reason: 'r',
  by: 'gate',
  at: 1,
  ...given,
})

test('the lowest cap of those that cover the cohort counts', () => {
  const book = makeCapBook([
    cap({ phase: 'rampdown' }),
    cap({ kind: 'guard', cohort: 'pilot', phase: 'live' }),
    cap({ kind: 'rollback', integration: '*', phase: 'shadow' }),
    cap({ integration: 'github', phase: 'off' }),
  ])
  assert.equal(book.lowest('aws', 'pilot')?.phase, 'shadow')
  book.remove({ kind: 'rollback', integration: '*', cohort: null })
  assert.equal(book.lowest('aws', 'pilot')?.phase, 'live')
  assert.equal(book.lowest('aws', 'general')?.phase, 'rampdown')
  assert.equal(book.lowest('azure', 'general'), null)
})

test('a cap of the same scope and kind takes the place of the one before', () => {
  const book = makeCapBook([cap({ phase: 'shadow' })])
  book.add(cap({ phase: 'live', at: 2 }))
  assert.deepEqual(book.list(), [cap({ phase: 'live', at: 2 })])
})

test('every change is an event and a new version; replacing with the same is neither', () => {
  const book = makeCapBook([cap({})])
  const seen: string[] = []
  book.events.on('added', ({ phase }) => seen.push(`+${phase}`))
  book.events.on('removed', ({ phase }) => seen.push(`-${phase}`))
  const version = book.version()
  book.replace([cap({})])
  assert.equal(book.version(), version)
  book.replace([cap({ kind: 'guard', phase: 'off' })])
  assert.deepEqual(seen, ['-shadow', '+off'])
  assert.ok(book.version() > version)
  assert.equal(book.remove(cap({})), null)
})

test('a rollback is a cap at off unless it says otherwise', () => {
  assert.deepEqual(rollbackCap({ integration: '*', cohort: null, by: 'me', at: 5 }), {
    integration: '*',
    cohort: null,
    kind: 'rollback',
    phase: 'off',
    reason: 'no reason given',
    by: 'me',
    at: 5,
  })
  assert.equal(rollbackCap({ integration: 'aws', cohort: 'pilot', to: 'shadow', by: 'me', at: 5 }).phase, 'shadow')
})

test('a lift that would raise a phase is refused and names what it raises, unless it is forced', () => {
  const raised = { integration: 'aws', cohort: 'pilot', runs: 'off', after: 'live' } as const
  const still = { integration: 'aws', cohort: 'general', runs: 'shadow', after: 'shadow' } as const
  assert.deepEqual(judgeLift([raised, still], false), { kind: 'refused', raises: [raised] })
  assert.deepEqual(judgeLift([raised, still], true), { kind: 'allowed', raises: [raised] })
  assert.deepEqual(judgeLift([still], false), { kind: 'allowed', raises: [] })
})
