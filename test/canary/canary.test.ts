import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch } from '../page/browser.ts'
import { needs } from '../support/parts.ts'
import { ENCODING_NAMES, makeCanary, makeSearch, spelledIn } from './encodings.ts'
import { withCanary } from './search.ts'

const redis = needs('redis-server')
const chromium = needs('chromium')

test('a value is found in every encoding, whole and in pieces, and another one is not', () => {
  const canary = makeCanary()
  const search = makeSearch([canary])
  for (const encoding of ENCODING_NAMES) {
    const [whole = assert.fail(encoding)] = spelledIn(encoding, canary)
    assert.ok(search(`before ${whole} after`).includes(encoding), encoding)
    for (const at of [0, 9, whole.length - 24])
      assert.notDeepEqual(search(`cut: ${whole.slice(at, at + 24)}...`), [], `${encoding} from ${at}`)
  }
  for (const before of ['', 'a', 'ab'])
    assert.ok(search(Buffer.from(`${before}${canary} end`).toString('base64')).includes('base64'), before)
  for (let other = 0; other < 200; other++)
    assert.deepEqual(search(ENCODING_NAMES.flatMap((encoding) => spelledIn(encoding, makeCanary())).join(' ')), [])
})

test('a value that goes through everything that can go wrong is nowhere but in the stores; a planted leak is found', {
  skip: redis.skip || chromium.skip,
  timeout: 600_000,
}, async (t) => {
  const browser = await launch(chromium.path)
  t.after(() => browser.close())
  const { canary, system, search, stop } = await withCanary(redis.path, browser)
  t.after(stop)
  const { mismatches } = await system.ops.call('mismatches', { query: { show: 'all' } })
  assert.ok(mismatches.length > 0, 'something differed')
  const { entries } = await system.ops.call('quarantine', {})
  assert.ok(entries.length > 0, 'something is in quarantine')
  const metrics = await (await fetch(`${system.operators}/metrics`)).text()
  const refused = /^crossfade_store_outcomes_total\{(?=.*homegrown)(?=.*refused_rejected).*\} [1-9]/m
  assert.match(metrics, refused, 'legacy refused it, with errors that quote it')

  const clean = await search()
  assert.deepEqual(clean.found, [])
  const kinds = [
    'GET /metrics',
    'the page, Mismatches',
    'the stream',
    'the log',
    'what Redis was told',
    'the file audit.jsonl',
  ]
  for (const kind of [...kinds, 'answers to refused requests', 'the table crossfade.event of ledger'])
    assert.ok(clean.places.includes(kind), kind)

  await system.ops.call('rollback', { body: { selector: 'slack', reason: `it was ${canary.slice(3, 20)}, oh` } })
  const places = (await search()).found.map(({ place }) => place)
  for (const place of ['the page, Events', 'the stream', 'the file audit.jsonl', 'the table crossfade.event of ledger'])
    assert.ok(places.includes(place), `${place} of ${places.join(', ')}`)
})
