import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import { mintToken } from '../../access/token.ts'
import { loadTokens } from '../../access/tokens-file.ts'
import { isFault } from '../../core/fault.ts'

async function fileWith(t: TestContext, text: string, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-tokens-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'tokens.yaml')
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}

const { token, entry } = mintToken({ name: 'worker', roles: ['client'] }, randomBytes)
const good = stringify([{ name: 'worker', role: 'client', hash: entry.hash, integrations: ['aws'] }])

test('a private file of entries is read', async (t) => {
  const [read] = await loadTokens(await fileWith(t, good))
  assert.deepEqual(read, { name: 'worker', role: 'client', hash: entry.hash, integrations: ['aws'] })
})

test('an empty file admits nobody', async (t) => {
  assert.deepEqual(await loadTokens(await fileWith(t, '')), [])
})

for (const mode of [0o640, 0o604, 0o620, 0o601]) {
  test(`a file with the rights ${mode.toString(8)} is refused, and the error says what to do`, async (t) => {
    const path = await fileWith(t, good, mode)
    await assert.rejects(loadTokens(path), (error) => {
      assert.ok(isFault(error))
      assert.equal(error.code, 'tokens-file-exposed')
      assert.match(`${error.detail} ${error.next}`, /chmod 600/)
      return true
    })
  })
}

const INVALID = {
  'not YAML': '- {name: [',
  'not a list': 'name: worker',
  'no role': stringify([{ name: 'worker', hash: entry.hash }]),
  'role and roles': stringify([{ name: 'w', role: 'client', roles: ['viewer'], hash: entry.hash }]),
  'an unknown key': stringify([{ name: 'w', role: 'client', hash: entry.hash, admin: true }]),
  'a name twice': stringify([
    { name: 'w', role: 'client', hash: entry.hash },
    { name: 'w', role: 'viewer', hash: `sha256:${'0'.repeat(64)}` },
  ]),
  'a token instead of its hash': stringify([{ name: 'worker', role: 'client', hash: token }]),
}

for (const [what, text] of Object.entries(INVALID)) {
  test(`a file with ${what} is refused without quoting it`, async (t) => {
    const path = await fileWith(t, text)
    await assert.rejects(loadTokens(path), (error) => {
      assert.ok(isFault(error))
      assert.equal(error.code, 'tokens-file-invalid')
      assert.equal(`${error.message}${error.stack}`.includes(token), false)
      return true
    })
  })
}

test('a file that is not there is refused with its path', async () => {
  await assert.rejects(loadTokens('/nowhere/tokens.yaml'), /\/nowhere\/tokens\.yaml: ENOENT/)
})
