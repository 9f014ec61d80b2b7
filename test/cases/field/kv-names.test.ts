import assert from 'node:assert/strict'
import { useBao } from '../../support/bao.ts'
import { caseOf } from '../support/case.ts'
import { makeKvHome } from '../support/kv-home.ts'

const bao = useBao()

/** What people type, and what looks like an escape. */
const NAMES = [
  ...['plain', 'API — prod', '“quoted”', 'deploy→prod', 'name.', '...', '~backup', '~', '~41', '🔑', 'مفتاح', 'café'],
  ...['~API ~E2~80~94 prod', '~crossfade~old', 'a/b — c/name.', "it's 50% (new)*", '日本語', '𝕏', '#1?', 'e\u0301'],
]
/** The server takes it, and no client can ask for it. */
const ODD = 'back\\slash'
const urlOf = (name: string): string => `aws/acme/${name.split('/').map(encodeURIComponent).join('/')}`

for (const version of [1, 2] as const) {
  caseOf(
    ['field', '22'],
    `KV ${version}: a name that the server takes as it is is read, listed, copied, overwritten and removed where it lies`,
    { skip: bao.skip },
    async (t) => {
      const home = await makeKvHome(t, await bao.server(), {
        version,
        store: { value: { as: 'map' } },
        aws: { value: 'json' },
      })
      for (const name of [...NAMES, ODD]) await home.write(name, { of: name })
      const proxy = await home.serve()
      for (const name of NAMES) {
        const answer = await proxy.request(urlOf(name))
        assert.equal(answer.status, 200, name)
        assert.deepEqual(await answer.json(), { of: name })
      }
      const listing = (await (await proxy.request('aws/acme')).json()) as { entries: readonly { name: string }[] }
      assert.deepEqual(new Set(listing.entries.map(({ name }) => name)), new Set([...NAMES, ODD]))

      const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"of":"us"}' }
      for (const name of ['API — prod', '~backup', 'name.', '~API ~E2~80~94 prod']) {
        assert.equal((await proxy.request(urlOf(name), init)).status, 204, name)
        assert.equal(((await home.read(name)) as { of: string }).of, 'us', name)
      }
      assert.equal((await proxy.request(urlOf('~41'), { method: 'DELETE' })).status, 204)
      assert.equal(await home.read('~41'), null)

      const run = await proxy.cli('migrate', 'aws', '--execute', '--reason', 'x')
      assert.equal(run.exit, 0, run.stderr)
      const put = await proxy.cli('quarantine', 'list', 'aws', '--json')
      const { entries } = JSON.parse(put.stdout) as { entries: readonly { name: string; reason: string }[] }
      assert.deepEqual(
        entries.map(({ name, reason }) => [name, reason]),
        [[ODD, 'not-addressable']],
      )
      const status = JSON.parse((await proxy.cli('status', 'aws', '--json')).stdout)
      const { discovered, copied, quarantined } = status.integrations[0].counts
      assert.deepEqual({ discovered, copied, quarantined }, { discovered: 20, copied: 19, quarantined: 1 })
    },
  )
}
