import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { sealedConfigSchema } from '../../backends/sealed/config.ts'
import { openSealedStore } from '../../backends/sealed/open.ts'
import { type Secret, SecretValue } from '../../backends/secret.ts'
import { migrate } from '../../migrator/migrate.ts'
import { MAPPINGS, postgresSubject, secretFile, deps as storeDeps } from '../backends/subjects.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { at, INTEGRATION, names, secretOf, unwatched, withMigrator } from './with-migrator.ts'

async function realStores(t: TestContext) {
  const legacy = await postgresSubject(MAPPINGS.postgres)(t)
  const { url } = await freshDatabase(t)
  const config = sealedConfigSchema.parse({
    kind: 'sealed',
    url: 'postgres://nobody@127.0.0.1/x',
    keyring: { kind: 'local', root_key_file: await secretFile(t, randomBytes(32)) },
    deadline: '5s',
  })
  const sealed = openSealedStore({ ...config, url }, storeDeps('sealed'))
  t.after(() => Promise.all([legacy.close(), sealed.close()]))
  return { stores: { legacy, new: sealed }, pool: testPool(t, url) }
}

const binary = (bytes: number): Secret => ({
  value: SecretValue.of(randomBytes(bytes)),
  contentType: 'application/octet-stream',
  metadata: {},
})

test('from a home-grown table to the sealed store: everything is copied, verified, and sabotage is found', async (t) => {
  const { stores, pool } = await realStores(t)
  const under = await withMigrator(t, { stores })
  await under.seed(names(300))
  await under.plant('legacy', at('binary'), binary(3000))
  await under.plant('legacy', at('empty'), { ...binary(0), contentType: 'text/plain' })
  await under.plant('legacy', at('naïve name/ö 密'), binary(64 * 1024))
  const run = (kind: 'migrate' | 'verify') =>
    migrate(under.deps, { integration: INTEGRATION, kind }, { ...unwatched(), emit: () => {} })
  const result = await run('migrate')
  assert.deepEqual([result.outcome, result.message], ['done', null])
  const { verified, left, quarantined } = result.counts ?? {}
  assert.deepEqual([verified, left, quarantined], [303, 0, 0])
  await under.plant('new', at('empty'), secretOf('wrong'))
  await under.plant('legacy', at('binary'), null)
  const spoilt = await pool.query(
    `update sealed.version set ciphertext = set_byte(ciphertext, 5, get_byte(ciphertext, 5) # 1) where name = 'key-0005'`,
  )
  assert.equal(spoilt.rowCount, 1)
  const again = await run('verify')
  assert.equal(again.outcome, 'mismatches')
  const { value, extra_in_new: extra, undecryptable } = again.verified?.mismatches ?? {}
  assert.deepEqual([value, extra, undecryptable], [1, 1, 1])
})
