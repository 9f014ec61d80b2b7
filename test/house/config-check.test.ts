import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openSealedStore } from '../../backends/sealed/open.ts'
import { ANY } from '../../backends/store.ts'
import { configCheck } from '../../bin/config/check.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { address, call, secret } from '../backends/checks/check.ts'
import { deps } from '../backends/subjects.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'

interface Place {
  readonly folder: string
  readonly file: string
  readonly url: URL
}

/** A configuration of one homegrown table and a sealed store, both in one fresh database, with its files beside it. */
async function place(t: TestContext): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-check-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const url = new URL((await freshDatabase(t, 'durable')).url)
  const secrets = { password: decodeURIComponent(url.password), key: 'k'.repeat(32), tokens: '[]' }
  for (const [name, text] of Object.entries(secrets)) await writeFile(join(folder, name), text, { mode: 0o600 })
  const file = join(folder, 'crossfade.yaml')
  await writeFile(file, configText(url))
  return { folder, file, url }
}

function configText(full: URL): string {
  const url = new URL(full)
  url.password = ''
  return `
version: 1
listen: { clients: { address: "127.0.0.1:0" }, operators: { address: "127.0.0.1:0" } }
ledger: { url: "${url}", password_file: password, fingerprint_key_file: key }
stores:
  old:
    kind: postgres
    url: "${url}"
    password_file: password
    table: credentials
    columns: { integration: provider, customer: org, name: key, value: secret }
    encoding: { column: bytea }
  sealed: { kind: sealed, url: "${url}", password_file: password, keyring: { kind: local, root_key_file: key } }
flags: { source: file, path: flags.json }
integrations: { aws: { legacy: old, new: sealed } }
etag: { key_file: key }
identity: { tokens_file: tokens }
audit: { sinks: [{ kind: file, path: audit.jsonl }] }
`
}

const found = async (file: string, level: string): Promise<readonly string[]> => {
  const { results } = await configCheck(file, { env: {}, connect: true })
  return results.filter((each) => each.level === level).map(({ subject, message }) => `${subject}: ${message}`)
}

test('a configuration whose files, stores and ledger are in order passes', async (t) => {
  const { file, url } = await place(t)
  await testPool(t, url.href).query(
    `create table credentials (provider text collate "C", org text collate "C", key text collate "C", secret bytea,
       primary key (provider, org, key))`,
  )
  const check = await configCheck(file, { env: {}, connect: true })
  assert.deepEqual(
    check.results.filter(({ level }) => level !== 'ok'),
    [],
  )
  assert.equal(check.ok, true)
})

test('a table that is not there is a problem of its store', async (t) => {
  const { file } = await place(t)
  assert.match((await found(file, 'problem')).join('\n'), /^stores\.old: table credentials does not exist/)
})

test('a file that is missing, and one that others may read, are named', async (t) => {
  const { file, folder } = await place(t)
  await rm(join(folder, 'tokens'))
  await chmod(join(folder, 'key'), 0o644)
  const { ok, results } = await configCheck(file, { env: {}, connect: false })
  assert.equal(ok, false)
  const notable = results.filter(({ level }) => level !== 'ok').map(({ subject, level }) => `${level} ${subject}`)
  assert.deepEqual(notable.sort(), [
    'problem identity.tokens_file',
    'warning etag.key_file',
    'warning ledger.fingerprint_key_file',
    'warning stores.sealed.keyring.root_key_file',
  ])
})

test('a password that is refused is said in words, and not shown', async (t) => {
  const { file, folder } = await place(t)
  await writeFile(join(folder, 'password'), 'not-the-password')
  const problems = (await found(file, 'problem')).join('\n')
  assert.match(problems, /^ledger: 127\.0\.0\.1:\d+\/\w+: user or password refused/)
  assert.doesNotMatch(problems, /not-the-password/)
})

test('a shape that one of the two sides cannot hold is a problem of its integration', async (t) => {
  const { file, url } = await place(t)
  await writeFile(file, configText(url).replace('column: bytea', 'column: jsonb'))
  const { results } = await configCheck(file, { env: {}, connect: false })
  const problems = results.filter(({ level }) => level === 'problem')
  assert.deepEqual(
    problems.map(({ subject }) => subject),
    ['integrations.aws'],
  )
})

test('a root key that is not the one of the keys in the database is a problem of its store', async (t) => {
  const { file, url, folder } = await place(t)
  const loaded = loadConfig(file, {})
  const section = loaded.stores['sealed']
  assert.ok(section?.kind === 'sealed')
  const store = openSealedStore(section, deps('sealed'))
  await store.put(address('aws'), secret('x'), ANY, call())
  await store.close()
  await writeFile(join(folder, 'other'), 'o'.repeat(32), { mode: 0o600 })
  await writeFile(file, configText(url).replace('root_key_file: key', 'root_key_file: other'))
  assert.match((await found(file, 'problem')).join('\n'), /^stores\.sealed\.keyring: the root key is not the one/m)
})

test('what is missing, of the wrong type, and not unique in a table of composite keys is said at once', async (t) => {
  const { file, url } = await place(t)
  await testPool(t, url.href).query(
    `create table credentials (org integer not null, env text not null, key json, secret text)`,
  )
  const columns = '{ integration: { constant: github }, customer: org, name: [env, key], value: secret, version: v }'
  await writeFile(file, configText(url).replace(/columns: \{.*\}/, `columns: ${columns}`))
  const problems = await found(file, 'problem')
  assert.deepEqual(problems.map((text) => text.replace(/; expected .*/, '')).sort(), [
    'integrations.aws: legacy holds the integration github alone, by columns.integration.constant',
    'stores.old: column key (name) is json',
    'stores.old: column secret (value) is text',
    'stores.old: column v (version) does not exist',
    'stores.old: no unique index on exactly (org, env, key): two rows could have one name, and upserts need it',
  ])
})
