import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { z } from 'zod'
import { type StoreConfig, storeSchema, storesSchema } from '../../backends/config.ts'
import { readKeyFile, readSecretFile } from '../../backends/key-file.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { openStore } from '../../backends/open.ts'
import { STORE_KINDS } from '../../backends/registry.ts'
import { ANY } from '../../backends/store.ts'
import { isFault } from '../../core/fault.ts'
import { address, call, secret } from './checks/check.ts'
import { deps, secretFile } from './subjects.ts'

const HOMEGROWN = {
  kind: 'postgres',
  url: 'postgres://crossfade@legacy-db:5432/app',
  password_file: '/run/secrets/homegrown',
  table: 'app.credentials',
  columns: { integration: 'provider', customer: 'org_id', name: 'key', value: 'secret', updated_at: 'modified' },
  encoding: { column: 'bytea', cipher: 'aes-256-gcm', key_file: '/run/secrets/old-key' },
  deadline: '500ms',
}
const VAULTED = {
  kind: 'sealed',
  url: 'postgres://crossfade@new-db:5432/sealed',
  keyring: { kind: 'local', root_key_file: '/run/secrets/root' },
  deadline: '300ms',
  breaker: { failures: 10, reset: '5s' },
}

const problems = (section: object): string[] => {
  const result = storeSchema.safeParse(section)
  return result.success ? [] : result.error.issues.map(({ message, path }) => `${path.join('.')}: ${message}`)
}

test('the stores of the example are taken, and what is left out has a default', () => {
  const stores = storesSchema.parse({ homegrown: HOMEGROWN, vaulted: VAULTED, scratch: { kind: 'memory' } })
  assert.equal(stores['homegrown']?.deadline, 500)
  assert.deepEqual(stores['homegrown']?.breaker, { failures: 10, reset: 5_000 })
  assert.deepEqual(stores['scratch']?.concurrency, { max: 64, queue: 256 })
  assert.equal(stores['vaulted']?.kind === 'sealed' && stores['vaulted'].keep_versions, 5)
})

test('every kind of the registry has a section, and every section a kind', () => {
  const kinds = storeSchema.options.map(({ shape }) => shape.kind.value)
  assert.deepEqual(kinds.sort(), Object.keys(STORE_KINDS).sort())
})

test('the sections can be given out as JSON Schema for editors', () => {
  assert.doesNotThrow(() => z.toJSONSchema(storesSchema, { io: 'input' }))
})

const WRONG = {
  'an unknown key': [{ ...HOMEGROWN, tabel: 'x' }, /tabel/],
  'an unknown kind': [{ ...HOMEGROWN, kind: 'oracle' }, /kind/],
  'a password in the URL': [{ ...HOMEGROWN, url: 'postgres://a:b@c/d' }, /use password_file/],
  'a URL that is none': [{ ...HOMEGROWN, url: 'legacy-db' }, /expected postgres:/],
  'a duration without a unit': [{ ...HOMEGROWN, deadline: 500 }, /deadline/],
  'a cipher without its key': [{ ...HOMEGROWN, encoding: { column: 'bytea', cipher: 'aes-256-gcm' } }, /go together/],
  'a cipher over text': [{ ...HOMEGROWN, encoding: { ...HOMEGROWN.encoding, column: 'text' } }, /bytea, base64 or hex/],
  'a schema that is no identifier': [{ ...VAULTED, schema: 'a; drop' }, /lower-case identifier/],
} as const

for (const [what, [section, expected]] of Object.entries(WRONG)) {
  test(`${what} is an error that says so`, () => {
    assert.match(problems(section).join('\n'), expected)
  })
}

test('a key file may be raw, hex or base64; anything else is a fault that does not show its content', async (t) => {
  const key = randomBytes(32)
  for (const content of [key, key.toString('hex'), `${key.toString('base64')}\n`]) {
    assert.ok(
      readKeyFile(await secretFile(t, content))
        .export()
        .equals(key),
    )
  }
  const wrong = await secretFile(t, 'canary')
  assert.throws(
    () => readKeyFile(wrong),
    (error) => isFault(error) && error.code === 'store-file-unreadable' && !error.message.includes('canary'),
  )
  assert.throws(() => readKeyFile('/nowhere/key'), /ENOENT/)
})

test('a password file loses its last newline and nothing else', async (t) => {
  assert.equal(readSecretFile(await secretFile(t, ' pass word \n')), ' pass word ')
})

test('a store is opened from its section, with the guard around it', async (t) => {
  const config: StoreConfig = storeSchema.parse({ kind: 'memory', max_size: '1KiB' })
  const registry = new Registry()
  const store = openStore(config, { ...deps('scratch'), metrics: makeBackendsMetrics(registry) })
  t.after(() => store.close())
  assert.equal((await store.put(address('aws'), secret('a'), ANY, call())).kind, 'done')
  assert.match(await registry.metrics(), /crossfade_store_outcomes_total\{store="scratch",op="put",outcome="done"\} 1/)
  assert.equal(store.capabilities.maxSize, 1024)
})
