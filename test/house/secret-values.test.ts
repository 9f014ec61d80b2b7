import assert from 'node:assert/strict'
import { test } from 'node:test'
import { projectFiles, readProjectFile } from '../support/project.ts'

/** Who may have the bytes of a secret, and what for. A new line here is a decision. */
const MAY_OPEN: Readonly<Record<string, string>> = {
  'backends/digest.ts': 'a keyed digest of the value',
  'backends/fidelity.ts': 'whether a store can hold the value unchanged',
  'backends/postgres/codec.ts': 'the column of an old table',
  'backends/sealed/envelope.ts': 'what is encrypted',
  'backends/vault-kv/codec.ts': 'the data of a secret at Vault or OpenBao',
  'backends/vault/client.ts': 'the own token, in a header',
  'backends/vault/logins.ts': 'whether the file of the own token holds another one',
  'proxy/http/answer.ts': 'the body of the response',
}

test('the bytes of a secret are opened in the listed files only', () => {
  const rooms = projectFiles('{core,backends,flags,access,ledger,proxy,migrator,dashboards,bin}/**/*.ts')
  const opening = rooms.filter((file) => /\.open\(\)/.test(readProjectFile(file)))
  assert.deepEqual(opening, Object.keys(MAY_OPEN).sort())
})
