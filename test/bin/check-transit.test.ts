import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { configCheck } from '../../bin/config/check.ts'
import { secretFile } from '../backends/subjects.ts'
import { transitPolicy } from '../backends/transit-subject.ts'
import { useBao } from '../support/bao.ts'
import { freshDatabase } from '../support/postgres.ts'

const bao = useBao()

/** A configuration whose new store has its keys at the server, with this token. */
async function configFile(t: TestContext, mount: string, token: string): Promise<string> {
  const [{ url: database }, { url: address }] = [await freshDatabase(t), await bao.server()]
  const [password, key, tokens] = [decodeURIComponent(new URL(database).password), 'k'.repeat(32), '[]']
  const url = new URL(database)
  url.password = ''
  const file = await secretFile(t, '')
  const password_file = await secretFile(t, password)
  const key_file = await secretFile(t, key)
  await writeFile(
    file,
    `
version: 1
listen: { clients: { address: "127.0.0.1:0" }, operators: { address: "127.0.0.1:0" } }
ledger: { url: "${url}", password_file: "${password_file}", fingerprint_key_file: "${key_file}" }
stores:
  old: { kind: memory }
  new:
    kind: sealed
    url: "${url}"
    password_file: "${password_file}"
    keyring:
      kind: transit
      address: "${address}"
      mount: "${mount}"
      auth: { kind: token, token_file: "${await secretFile(t, token)}" }
flags: { source: file, path: flags.json }
integrations: { aws: { legacy: old, new: new } }
etag: { key_file: "${key_file}" }
identity: { tokens_file: "${await secretFile(t, tokens)}" }
audit: { sinks: [{ kind: file, path: audit.jsonl }] }
`,
  )
  return file
}

async function keyringResults(file: string): Promise<readonly string[]> {
  const { results } = await configCheck(file, { env: {}, connect: true })
  return results
    .filter(({ subject, message }) => subject === 'stores.new.keyring' && message !== '')
    .map(({ level, message }) => `${level}: ${message}`)
}

test('config check --connect logs in, and says in words what the keyring lacks', { skip: bao.skip }, async (t) => {
  const server = await bao.server()
  const mount = await server.mount('transit')
  const good = await server.token(transitPolicy(mount))
  assert.deepEqual(await keyringResults(await configFile(t, mount, good)), ['ok: it answers'])
  const [stranger] = await keyringResults(await configFile(t, mount, 's.nobody'))
  assert.match(stranger ?? '', /^problem: no login: 403: the server does not take these credentials/)
  assert.doesNotMatch(stranger ?? '', /nobody/)
  const [elsewhere] = await keyringResults(await configFile(t, 'nowhere', good))
  assert.match(elsewhere ?? '', /^problem: there is no transit engine at nowhere/)
})
