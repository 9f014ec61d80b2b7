import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLegacy } from './checks.ts'
import { contentOf, servedContent, storedContents } from './content.ts'
import { makeEtags } from './etags.ts'
import { makeExpectations } from './expectations.ts'
import { makeFindings } from './findings.ts'

const SECRET = { integration: 'aws', customer: 'c', name: 'n' }
const OTHER = { ...SECRET, name: 'other' }

const expecting = () => makeExpectations([{ address: SECRET, content: 'first' }])

test('a read returns what the last acknowledged write left, and a write on its way may be seen or not', () => {
  const expectations = expecting()
  const before = expectations.read(SECRET)
  const ended = expectations.write(SECRET, 'second')
  const during = expectations.read(SECRET)
  assert.deepEqual([during(['first']), during(['second'])], ['right', 'right'])
  ended('acknowledged')
  assert.equal(expectations.read(SECRET)(['second']), 'right')
  assert.equal(before(['first']), 'right', 'a read that began before the write may return what was there then')
})

test('a planted lost write is found: nothing where something was acknowledged', () => {
  const expectations = expecting()
  assert.equal(expectations.read(SECRET)([null]), 'lost')
  expectations.write(OTHER, 'new')('acknowledged')
  assert.equal(expectations.read(OTHER)([null]), 'lost')
})

test('a planted stale read is found: what an acknowledged write had replaced before the read began', () => {
  const expectations = expecting()
  expectations.write(SECRET, 'second')('acknowledged')
  assert.equal(expectations.read(SECRET)(['first']), 'stale')
})

test('a planted resurrection is found: a deleted secret that is there again', () => {
  const expectations = expecting()
  expectations.write(SECRET, null)('acknowledged')
  assert.equal(expectations.read(SECRET)(['first']), 'resurrected')
  assert.equal(expectations.read(SECRET)([null]), 'right')
  expectations.write(SECRET, 'again')('acknowledged')
  assert.equal(expectations.read(SECRET)(['again']), 'right')
})

test('what nobody wrote is found, also at an address that nobody knows', () => {
  const expectations = expecting()
  assert.equal(expectations.read(SECRET)(['forged']), 'altered')
  assert.equal(expectations.read(OTHER)(['forged']), 'altered')
})

test('a write that was refused is never seen; one of unknown outcome may be, until a later one replaces it', () => {
  const expectations = expecting()
  expectations.write(SECRET, 'refused')('failed')
  assert.notEqual(expectations.read(SECRET)(['refused']), 'right')
  expectations.write(SECRET, 'doubtful')('unknown')
  assert.deepEqual([expectations.read(SECRET)(['doubtful']), expectations.read(SECRET)(['first'])], ['right', 'right'])
  expectations.write(SECRET, 'last')('acknowledged')
  assert.equal(expectations.read(SECRET)(['doubtful']), 'stale')
})

test('after two writes that overlapped either may be the last one', () => {
  const expectations = expecting()
  const ends = ['a', 'b'].map((content) => expectations.write(SECRET, content))
  for (const end of ends) end('acknowledged')
  assert.deepEqual([expectations.read(SECRET)(['a']), expectations.read(SECRET)(['b'])], ['right', 'right'])
  assert.equal(expectations.read(SECRET)(['first']), 'stale')
})

test('a secret is present or absent for certain, or neither after a write and a delete that overlapped', () => {
  const expectations = expecting()
  const is = () => [expectations.isPresent(SECRET), expectations.isAbsent(SECRET)]
  assert.deepEqual(is(), [true, false])
  const ends = [null, 'again'].map((content) => expectations.write(SECRET, content))
  for (const end of ends) end('acknowledged')
  assert.deepEqual(is(), [false, false])
  expectations.write(SECRET, null)('acknowledged')
  assert.deepEqual(is(), [false, true])
})

test('an answer under the default content type may stand for a secret without one, a row of a table may not', () => {
  const none = { value: Buffer.from('v'), contentType: null, metadata: { a: '1' } }
  const served = { ...none, contentType: 'application/octet-stream' }
  assert.ok(storedContents(served).includes(contentOf(none)))
  assert.notEqual(contentOf(served), contentOf(none))
  assert.equal(servedContent(none), servedContent(served))
  assert.notEqual(contentOf({ ...none, metadata: {} }), contentOf(none))
})

test('each wrong secret is named once, with everybody who showed it', () => {
  const row = { ...SECRET, value: Buffer.from('v'), contentType: null, metadata: {} }
  const expectations = makeExpectations([{ address: SECRET, content: contentOf(row) }])
  const findings = makeFindings()
  checkLegacy([row], expectations, findings)
  assert.deepEqual(findings.list(), [])
  findings.add(SECRET, 'stale', 'proxy')
  checkLegacy([{ ...OTHER, ...row, name: 'unknown' }], expectations, findings)
  assert.deepEqual(findings.list(), [
    { ...SECRET, found: 'lost', where: ['proxy', 'legacy'] },
    { ...SECRET, name: 'unknown', found: 'altered', where: ['legacy'] },
  ])
})

test('two ETags for one content are found, and so is none', () => {
  const etags = makeEtags()
  etags.see(SECRET, 'first', '"1"')
  etags.see(SECRET, 'second', '"2"')
  etags.see(SECRET, 'first', '"1"')
  assert.deepEqual(etags.changed(), [])
  etags.see(SECRET, 'second', '"1"')
  etags.see(OTHER, 'first', null)
  assert.deepEqual(etags.changed(), [SECRET, OTHER])
})
