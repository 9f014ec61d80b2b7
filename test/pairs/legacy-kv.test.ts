import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { vaultKvConfigSchema } from '../../backends/vault-kv/config.ts'
import { openVaultKvStore } from '../../backends/vault-kv/open.ts'
import { call, plain } from '../backends/checks/check.ts'
import { deps } from '../backends/subjects.ts'
import { needs } from '../support/parts.ts'
import type { LegacyRow } from './legacy.ts'
import { openLegacyKv } from './legacy-kv.ts'
import { startPairBao } from './pair-bao.ts'

const bao = needs('bao')

const row = (name: string, value: Uint8Array, more: Partial<LegacyRow> = {}): LegacyRow => ({
  ...{ integration: 'aws', customer: 'eu-ada', name, value, contentType: null, metadata: {} },
  ...more,
})

const ROWS = [
  row('plain', Buffer.from('größer')),
  row('パスワード/本番', Buffer.from('text'), { contentType: 'text/plain', metadata: { ticket: 'größer, 100 %' } }),
  row('binary', Buffer.from([0, 255, 128])),
  row('legacy/unused', Buffer.alloc(0)),
]

const sorted = (rows: readonly LegacyRow[]) =>
  rows
    .map(({ value, metadata, ...rest }) => ({
      ...rest,
      value: Buffer.from(value).toString('hex'),
      metadata: { ...metadata },
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

test('what lies in KV 1 behind Crossfade’s back is what its own store reads, and damage is seen by both', {
  skip: bao.skip,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-legacy-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const running = await startPairBao(folder)
  t.after(running.stop)
  const auth = { kind: 'token', token_file: running.tokenFile }
  const section = { kind: 'vault-kv', address: running.url, auth, mount: running.mounts.kv1, version: 1 }
  const store = openVaultKvStore(vaultKvConfigSchema.parse(section), deps('legacy'))
  t.after(() => store.close())
  const legacy = openLegacyKv(running)
  await legacy.seed(ROWS)
  assert.deepEqual(sorted(await legacy.read()), sorted(ROWS))
  for (const { integration, customer, name, value, contentType, metadata } of ROWS) {
    const bytes = Buffer.from(value).toString('base64')
    assert.deepEqual(plain(await store.get({ integration, customer, name }, call())), {
      ...{ kind: 'found', bytes, contentType, metadata },
    })
  }
  const [first] = ROWS as [LegacyRow]
  await legacy.damage(first)
  const damaged = Buffer.from('größer!')
  assert.deepEqual((await legacy.read()).find(({ name }) => name === 'plain')?.value, damaged)
  const seen = plain(await store.get(first, call())) as { readonly bytes: string }
  assert.equal(seen.bytes, damaged.toString('base64'))
  await assert.rejects(legacy.damage({ ...first, name: 'nobody' }), /404/)
})
