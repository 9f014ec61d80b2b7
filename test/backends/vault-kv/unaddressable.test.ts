import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openVaultKvStore } from '../../../backends/vault-kv/open.ts'
import { useBao } from '../../support/bao.ts'
import { call } from '../checks/check.ts'
import { deps, secretFile, vaultKvConfig } from '../subjects.ts'

const bao = useBao()
const options = { skip: bao.skip }

const ABOVE = 'lie above the folders of customers, where no address leads'
const BESIDE = 'lie beside the folders of customers, where no address leads'

async function storeWith(t: TestContext, more: object, paths: readonly string[], policy?: (mount: string) => string) {
  const server = await bao.server()
  const config = await vaultKvConfig(t, server, more)
  const { mount, version } = config
  const data = version === 2 ? `${mount}/data` : mount
  for (const path of paths) await server.ask('POST', `${data}/${path}`, { data: { value: 'x' } })
  const token = policy === undefined ? server.rootToken : await server.token(policy(mount))
  const auth = { kind: 'token', token_file: await secretFile(t, token) } as const
  const store = openVaultKvStore({ ...config, auth }, deps('kv'))
  t.after(() => store.close())
  return { server, store, mount }
}

for (const version of [1, 2] as const) {
  test(
    `version ${version}: what lies above and beside the folders of customers is counted, and nothing else`,
    options,
    async (t) => {
      const { store } = await storeWith(t, { version }, [
        ...['aws', 'aws/direct', 'aws/acme', 'aws/acme/token', 'aws/acme/token/old'],
        ...['other', 'github/stray', 'aws-2/x'],
      ])
      assert.deepEqual(await store.unaddressable?.('aws', call()), {
        kind: 'counted',
        counts: [
          { why: ABOVE, count: 1 },
          { why: BESIDE, count: 2 },
        ],
      })
      assert.deepEqual(await store.unaddressable?.('github', call()), {
        kind: 'counted',
        counts: [{ why: BESIDE, count: 1 }],
      })
      assert.deepEqual(await store.unaddressable?.('gitlab', call()), { kind: 'counted', counts: [] })
    },
  )
}

test('folders between a customer and its names are walked, too', options, async (t) => {
  const { store } = await storeWith(t, { path: 'teams/{customer}/of/{integration}/{name}' }, [
    ...['teams', 'teams/stray', 'teams/acme/of', 'teams/acme/of/aws', 'teams/acme/of/aws/token', 'teams/zeta/of/aws'],
    ...['teams/zeta/of/github/token', 'teams/acme/notes/x'],
  ])
  assert.deepEqual(await store.unaddressable?.('aws', call()), {
    kind: 'counted',
    counts: [
      { why: ABOVE, count: 4 },
      { why: BESIDE, count: 1 },
    ],
  })
})

test(
  'what was removed is not counted, nor what this token may not see; a listing that is denied is an error',
  options,
  async (t) => {
    const policy = (mount: string) => `path "${mount}/metadata/aws/*" { capabilities = ["read", "list"] }`
    const { server, store, mount } = await storeWith(t, {}, ['aws', 'aws/direct', 'aws/gone', 'github/x'], policy)
    await server.ask('DELETE', `${mount}/data/aws/gone`)
    assert.deepEqual(await store.unaddressable?.('aws', call()), {
      kind: 'counted',
      counts: [{ why: BESIDE, count: 1 }],
    })
    assert.deepEqual(await store.unaddressable?.('github', call()), { kind: 'error', reason: 'denied' })
  },
)
