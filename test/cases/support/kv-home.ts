import type { TestContext } from 'node:test'
import type { ConfigInput } from '../../../bin/embedded/sample/config.ts'
import { secretFile } from '../../backends/subjects.ts'
import type { Bao } from '../../support/bao.ts'
import { type Home, type HomeOptions, makeHome } from './home.ts'

/** A home whose legacy store is a secrets engine of a real OpenBao, at a mount of its own. */
export interface KvHome extends Home {
  readonly mount: string
  /** Writes with the server's own interface, as others do; `name` is below `aws/acme/` unless it begins with a slash. */
  write(name: string, data: unknown): Promise<void>
  /** What lies under a path of the mount, or null. */
  read(path: string): Promise<unknown>
}

export interface KvHomeOptions extends Partial<HomeOptions> {
  readonly version?: 1 | 2
  /** How the store proves who it is; with root's token if not said. */
  readonly auth?: (mount: string) => Promise<object>
  /** More keys of the integration `aws`. */
  readonly aws?: ConfigInput['integrations'][string]
  /** More keys of the store. */
  readonly store?: Record<string, unknown>
}

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

export async function makeKvHome(t: TestContext, bao: Bao, options: KvHomeOptions = {}): Promise<KvHome> {
  const { version = 2, auth, aws = {}, store, edit, ...rest } = options
  const mount = await bao.mount('kv', { version: String(version) })
  const proof = (await auth?.(mount)) ?? { kind: 'token', token_file: await secretFile(t, bao.rootToken) }
  const homegrown = { kind: 'vault-kv', address: bao.url, auth: proof, mount, version, ...store }
  const home = await makeHome(t, {
    sql: 'select 1',
    ...rest,
    edit: (config) => {
      const stores = { ...config.stores, homegrown } as ConfigInput['stores']
      const changed: ConfigInput = { ...config, stores, integrations: { ...config.integrations, aws } as never }
      return edit?.(changed) ?? changed
    },
  })
  const data = version === 2 ? `${mount}/data` : mount
  const pathOf = (name: string): string => encoded(name.startsWith('/') ? name.slice(1) : `aws/acme/${name}`)
  return {
    ...home,
    mount,
    write: async (name, fields) => {
      await bao.ask('POST', `${data}/${pathOf(name)}`, version === 2 ? { data: fields } : fields)
    },
    read: async (name) => {
      const answer = await bao.ask('GET', `${data}/${pathOf(name)}`).catch(() => null)
      return version === 2 ? (answer?.['data'] ?? null) : answer
    },
  }
}
