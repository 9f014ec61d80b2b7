import { randomBytes } from 'node:crypto'
import { copyFile, writeFile } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import type pg from 'pg'
import type { KeyCare, RewrapPage } from '../../backends/key-care.ts'
import type { SealedConfig } from '../../backends/sealed/config.ts'
import { openSealedStore } from '../../backends/sealed/open.ts'
import type { Store } from '../../backends/store.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { call } from './checks/check.ts'
import { deps, sealedConfig, secretFile } from './subjects.ts'

export type Sealed = Store & { readonly keys: KeyCare }

/** A sealed store on a database of its own, and other replicas of it. */
export async function withSealed(t: TestContext) {
  const { url } = await freshDatabase(t)
  const pool: pg.Pool = testPool(t, url)
  const config = await sealedConfig(t, url)
  const replica = (keyring: Partial<SealedConfig['keyring']> = {}): Sealed => {
    const store = openSealedStore(
      { ...config, keyring: { ...config.keyring, ...keyring } as SealedConfig['keyring'] },
      deps('vaulted'),
    )
    t.after(() => store.close())
    return store as Sealed
  }
  /** A new root key in the configured file; the old one in a file of its own. */
  const exchangeRoot = async (): Promise<{ readonly previous: string }> => {
    const previous = await secretFile(t, '')
    await copyFile(rootFileOf(config), previous)
    await writeFile(rootFileOf(config), randomBytes(32))
    return { previous }
  }
  return { store: replica(), pool, replica, exchangeRoot }
}

const rootFileOf = ({ keyring }: SealedConfig): string => {
  if (!('root_key_file' in keyring)) throw new Error('not a local keyring')
  return keyring.root_key_file
}

export interface Sums {
  readonly pages: number
  readonly wrapped: number
  readonly unusable: number
  readonly resealed: number
  readonly current: number
  readonly undecryptable: number
}

/** Every page of a rewrap, or the first `pages` of them. */
export async function rewrap(
  { keys }: Sealed,
  {
    customer = null,
    limit = 100,
    pages = Number.POSITIVE_INFINITY,
  }: { customer?: string | null; limit?: number; pages?: number } = {},
): Promise<Sums> {
  const sums = { pages: 0, wrapped: 0, unusable: 0, resealed: 0, current: 0, undecryptable: 0 }
  let after: string | null = null
  do {
    const page: RewrapPage | { kind: 'failed' } = await keys.rewrap({ customer, after, limit }, call())
    if (page.kind === 'failed') throw new Error(`a page failed: ${JSON.stringify(page)}`)
    sums.pages += 1
    sums.wrapped += page.keys.wrapped
    sums.unusable += page.keys.unusable
    sums.resealed += page.rows.resealed
    sums.current += page.rows.current
    sums.undecryptable += page.rows.undecryptable
    after = page.next as string | null
  } while (after !== null && sums.pages < pages)
  return sums
}
