import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { configSchema } from '../../bin/config/schema.ts'
import { sampleConfig } from '../../bin/embedded/sample/config.ts'
import { SAMPLE_INTEGRATIONS } from '../../bin/embedded/sample/integrations.ts'
import { LEGACY_TABLE, seedLegacy } from '../../bin/embedded/sample/legacy.ts'
import { OWN_COMPANY, SAMPLE_DEFAULTS, sampleCustomers, sampleSecrets } from '../../bin/embedded/sample/secrets.ts'
import { LARGEST } from '../../bin/embedded/sample/values.ts'
import { tellSeeded } from '../../bin/serve/seeding.ts'
import { parseTarget, pathOf } from '../../proxy/http/path.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'

const sample = [...sampleSecrets(SAMPLE_DEFAULTS)]
const textOf = (value: Buffer): string => value.toString('utf8')
const isText = (value: Buffer): boolean => Buffer.from(textOf(value), 'utf8').equals(value)

test('the sample has 12 integrations or more, several hundred customers and 4000 secrets or more', () => {
  assert.ok(new Set(sample.map(({ integration }) => integration)).size >= 12)
  assert.ok(new Set(sample.map(({ customer }) => customer)).size >= 300)
  assert.ok(sample.length >= 4000)
  assert.ok(sample.some(({ customer }) => customer === OWN_COMPANY))
})

test('no two secrets of the sample have one address, and each address survives the clients API', () => {
  const paths = sample.map(({ integration, customer, name }) => pathOf({ integration, customer, name }))
  assert.equal(new Set(paths).size, sample.length)
  for (const [index, path] of paths.entries()) {
    const { integration, customer, name } = sample[index] as (typeof sample)[number]
    assert.deepEqual(parseTarget(path), { kind: 'secret', address: { integration, customer, name } })
  }
})

test('the sample has binary and empty values, JSON, certificates, and exactly one value of 64 KiB', () => {
  assert.equal(sample.filter(({ value }) => value.length === LARGEST).length, 1)
  assert.ok(sample.every(({ value }) => value.length <= LARGEST))
  assert.ok(sample.some(({ value }) => value.length === 0))
  assert.ok(sample.some(({ value }) => !isText(value) && value.includes(0)))
  const certificates = sample.filter(({ name }) => name.includes('tls/client.pem'))
  assert.ok(certificates.length > 50)
  for (const { value } of certificates) {
    const certificate = new X509Certificate(value)
    assert.ok(certificate.verify(certificate.publicKey))
  }
})

test('names have several segments, spaces and letters beyond ASCII', () => {
  assert.ok(sample.some(({ name }) => name.split('/').length >= 3))
  assert.ok(sample.some(({ name }) => name.includes(' ')))
  assert.ok(sample.some(({ name }) => /[^\x20-\x7e]/.test(name)))
})

test('some secrets have metadata and a content type, some have neither', () => {
  assert.ok(sample.some(({ metadata }) => Object.keys(metadata).length > 1))
  assert.ok(sample.some(({ metadata, contentType }) => Object.keys(metadata).length === 0 && contentType === null))
})

test('every value of an integration whose shape is JSON is JSON, with numbers that JavaScript cannot hold', () => {
  const shaped = new Set(SAMPLE_INTEGRATIONS.filter(({ shape }) => shape === 'json').map(({ name }) => String(name)))
  const values = sample.filter(({ integration }) => shaped.has(integration)).map(({ value }) => textOf(value))
  assert.ok(values.length > 100)
  for (const text of values) {
    const [, digits = ''] = /"client_id": (\d+)/.exec(text) ?? []
    assert.notEqual(String(JSON.parse(text).client_id), digits)
  }
})

test('the same seed makes the same secrets, another seed makes others', () => {
  const small = { ...SAMPLE_DEFAULTS, secrets: 200 }
  assert.deepEqual([...sampleSecrets(small)], [...sampleSecrets(small)])
  assert.notDeepEqual([...sampleSecrets(small)], [...sampleSecrets({ ...small, seed: 'another' })])
})

test('customers are as many as asked for, each once', () => {
  const customers = sampleCustomers(1000)
  assert.equal(new Set(customers).size, 1000)
})

test('seeding writes every secret as it was made', async (t) => {
  const pool = testPool(t, (await freshDatabase(t)).url)
  assert.deepEqual(await seedLegacy(pool, SAMPLE_DEFAULTS), { created: true, secrets: sample.length })
  const { rows } = await pool.query(
    `select provider as integration, org_id as customer, key as name, secret as value, content_type as "contentType",
       attributes as metadata from ${LEGACY_TABLE}`,
  )
  const byAddress = new Map(rows.map((row) => [`${row.integration}\0${row.customer}\0${row.name}`, row]))
  for (const secret of sample) {
    assert.deepEqual(byAddress.get(`${secret.integration}\0${secret.customer}\0${secret.name}`), secret)
  }
})

test('a second start finds the data and brings nothing back that was deleted', async (t) => {
  const pool = testPool(t, (await freshDatabase(t)).url)
  await seedLegacy(pool, { ...SAMPLE_DEFAULTS, secrets: 50 })
  await pool.query(`delete from ${LEGACY_TABLE}`)
  assert.deepEqual(await seedLegacy(pool, SAMPLE_DEFAULTS), { created: false, secrets: 0 })
})

test('a large sample says how far it is, and what is interrupted is not there', async (t) => {
  const pool = testPool(t, (await freshDatabase(t)).url)
  const options = { ...SAMPLE_DEFAULTS, secrets: 2100 }
  const stop = new AbortController()
  const lines: string[] = []
  let now = 0
  const tell = tellSeeded({ total: 2100, clock: { monotonic: () => now }, note: (text) => lines.push(text) })
  const onSeeded = (secrets: number): void => {
    now += 1500
    tell(secrets)
    if (secrets === 1500) stop.abort(new Error('interrupted'))
  }
  await assert.rejects(seedLegacy(pool, options, { signal: stop.signal, onSeeded }), /interrupted/)
  assert.deepEqual(lines, ['Sample: 1000/2100 47.6%; Time: 3s; ETA: 3s'])
  assert.deepEqual(await seedLegacy(pool, options), { created: true, secrets: 2100 })
})

test('of two starts at the same time one fills the table and the other finds it', async (t) => {
  const pool = testPool(t, (await freshDatabase(t)).url)
  const options = { ...SAMPLE_DEFAULTS, secrets: 60 }
  const results = await Promise.all([seedLegacy(pool, options), seedLegacy(pool, options)])
  assert.deepEqual(results.map(({ created }) => created).sort(), [false, true])
  assert.deepEqual(
    results.map(({ secrets }) => secrets),
    [60, 60],
  )
})

test('the configuration of the embedded system is valid', () => {
  const database = (name: string): string => `postgres://postgres@127.0.0.1:5432/${name}`
  const config = sampleConfig({
    listen: { clients: '127.0.0.1:8700', operators: '127.0.0.1:8701' },
    urls: { ledger: database('ledger'), legacy: database('legacy'), new: database('new') },
    passwordFile: '/data/password',
    fingerprintKeyFile: '/data/fingerprint',
    rootKeyFile: '/data/root',
    etagKeyFile: '/data/etag',
    flagsFile: '/data/flags.json',
    tokensFile: '/data/tokens.yaml',
    auditFile: '/data/audit.jsonl',
    integrations: SAMPLE_INTEGRATIONS,
  })
  const parsed = configSchema.parse(config)
  assert.equal(Object.keys(parsed.integrations).length, SAMPLE_INTEGRATIONS.length)
  assert.equal(parsed.integrations['slack']?.max_size, LARGEST)
})
