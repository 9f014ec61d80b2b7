import type { TestContext } from 'node:test'
import { type SealedConfig, sealedConfigSchema } from '../../backends/sealed/config.ts'
import { openSealedStore } from '../../backends/sealed/open.ts'
import type { Store } from '../../backends/store.ts'
import type { Bao, BaoPart } from '../support/bao.ts'
import { freshDatabase } from '../support/postgres.ts'
import { deps, secretFile } from './subjects.ts'

/** What a token of the store is granted: never to create by `encrypt`. */
export const transitPolicy = (mount: string): string => `
  path "${mount}/encrypt/*" { capabilities = ["update"] }
  path "${mount}/decrypt/*" { capabilities = ["update"] }
  path "${mount}/rewrap/*" { capabilities = ["update"] }
  path "${mount}/keys/*" { capabilities = ["create", "read", "update", "delete"] }
`

/** A store whose keys are in an engine of its own; `more` is for its keyring. */
export async function transitConfig(t: TestContext, bao: Bao, url: string, more: object = {}): Promise<SealedConfig> {
  const mount = await bao.mount('transit')
  const token_file = await secretFile(t, await bao.token(transitPolicy(mount)))
  const config = sealedConfigSchema.parse({
    kind: 'sealed',
    url: 'postgres://nobody@127.0.0.1/x',
    keyring: { kind: 'transit', address: bao.url, mount, auth: { kind: 'token', token_file }, ...more },
    deadline: '5s',
    max_size: '64KiB',
  })
  // The test's cluster has its password in its URL, which the schema refuses.
  return { ...config, url }
}

export const transitSubject =
  (bao: BaoPart) =>
  async (t: TestContext): Promise<Store> => {
    const { url } = await freshDatabase(t)
    return openSealedStore(await transitConfig(t, await bao.server(), url), deps('vaulted'))
  }
