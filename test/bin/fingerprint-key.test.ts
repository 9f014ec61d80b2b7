import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Pair } from '../../backends/pair.ts'
import type { CrossfadeConfig } from '../../bin/config/schema.ts'
import { makeDigests } from '../../bin/serve/digests.ts'
import { assertFingerprintKey } from '../../bin/serve/fingerprint-key.ts'
import { keyEnd } from '../../bin/serve/key-end.ts'
import type { IntegrationRow, IntegrationState } from '../../ledger/ledger.ts'
import type { JournalEvent } from '../../ledger/postgres/journal.ts'
import { secretOf } from '../proxy/core/with-core.ts'

const note = { actor: 'ann', reason: 'the end' }
const row = (integration: string, state: IntegrationState): IntegrationRow => ({
  integration,
  state,
  epoch: 1,
  inventoried: true,
})

function withKey(t: TestContext, etagFile = 'etag') {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-key-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'fingerprint')
  for (const name of ['fingerprint', 'etag']) writeFileSync(join(folder, name), randomBytes(32))
  const config = {
    integrations: { aws: {}, github: {} },
    ledger: { fingerprint_key_file: file },
    etag: { key_file: join(folder, etagFile) },
  } as unknown as CrossfadeConfig
  const events: JournalEvent[] = []
  let rows: readonly IntegrationRow[] = []
  const end = keyEnd(
    config,
    { integrations: async () => rows },
    {
      append: async (event) => {
        events.push(event)
      },
    },
  )
  return {
    config,
    file,
    events,
    end,
    know: (...known: readonly IntegrationRow[]) => {
      rows = known
    },
  }
}

test('the key goes with the last integration that is finalized, not before', async (t) => {
  const { config, file, events, end, know } = withKey(t)
  const before = readFileSync(file)
  for (const other of ['bare', 'enrolled', 'new-only'] as const) {
    know(row('aws', 'finalized'), row('github', other))
    await end.onFinalized('aws', note)
    assert.deepEqual(readFileSync(file), before)
    assert.equal(await end.endsKey('aws'), false)
    assert.equal(await end.endsKey('github'), true)
  }
  // The ledger knows one that this configuration does not name.
  know(row('aws', 'finalized'), row('github', 'finalized'), row('elsewhere', 'enrolled'))
  await end.onFinalized('github', note)
  assert.equal(existsSync(file), true)
  know(row('aws', 'finalized'), row('github', 'finalized'))
  await end.onFinalized('github', note)
  assert.equal(existsSync(file), false)
  assert.deepEqual(
    events.map(({ kind, actor }) => [kind, actor]),
    [['key-destroyed', 'ann']],
  )
  await end.onFinalized('github', note)
  assert.equal(events.length, 1)
  assert.doesNotThrow(() => assertFingerprintKey(config, [row('aws', 'finalized'), row('github', 'finalized')]))
})

test('a kill between taking the name away and removing the file is made good', async (t) => {
  const { file, end, know } = withKey(t)
  know(row('aws', 'finalized'), row('github', 'finalized'))
  renameSync(file, `${file}.destroyed`)
  await end.onFinalized('aws', note)
  assert.equal(existsSync(`${file}.destroyed`), false)
})

test('a key file that another option names, too, is kept', async (t) => {
  const { file, events, end, know } = withKey(t, 'fingerprint')
  know(row('aws', 'finalized'), row('github', 'finalized'))
  await end.onFinalized('aws', note)
  assert.equal(existsSync(file), true)
  assert.deepEqual([events[0]?.kind, events[0]?.detail['usedBy']], ['key-kept', 'etag.key_file'])
})

test('without the key a process starts only when everything is finalized, and ETags go on', async (t) => {
  const { config, file } = withKey(t)
  const pair = { shape: 'bytes' } as Pair
  const address = { integration: 'aws', customer: 'c', name: 'n' }
  const etag = makeDigests(config, () => pair).etag(address, secretOf('v'))
  rmSync(file)
  const digests = makeDigests(config, () => pair)
  assert.equal(digests.etag(address, secretOf('v')), etag)
  assert.throws(() => digests.fingerprint(address, secretOf('v')), { code: 'fingerprint-key-missing' })
  for (const state of ['bare', 'enrolled', 'finalizing', 'new-only'] as const) {
    const rows = [row('aws', 'finalized'), row('github', state)]
    assert.throws(() => assertFingerprintKey(config, rows), { code: 'fingerprint-key-missing' })
  }
  assert.throws(() => assertFingerprintKey(config, []), { code: 'fingerprint-key-missing' })
})
