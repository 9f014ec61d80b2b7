import type { StoreDeps } from '../deps.ts'
import { readKeyFile, readSecretFile } from '../key-file.ts'
import { makeDatabase } from '../sql/database.ts'
import type { Store } from '../store.ts'
import type { SealedConfig } from './config.ts'
import { makeLocalKeyring } from './local-keyring.ts'
import type { RootKeys } from './local-keys.ts'
import { makeSealedStore } from './sealed.ts'

/** Builds the store of one section; connects and migrates at its first call. Throws a `Fault` if a file cannot be used. */
export function openSealedStore(config: SealedConfig, { name, clock, random, metrics }: StoreDeps): Store {
  const { schema, keyring } = config
  const rootKeys: RootKeys = [
    readKeyFile(keyring.root_key_file),
    ...(keyring.previous_root_key_file === undefined ? [] : [readKeyFile(keyring.previous_root_key_file)]),
  ]
  const database = makeDatabase({
    url: config.url,
    password: config.password_file === undefined ? null : readSecretFile(config.password_file),
    applicationName: `crossfade/${name}`,
    maxConnections: config.max_connections,
    statementTimeout: config.deadline,
    clock,
  })
  metrics.watchConnections(name, 'postgresql', database.connections)
  const { cache, cache_for: cacheFor } = keyring
  return makeSealedStore({
    name,
    schema,
    keepVersions: config.keep_versions,
    maxSize: config.max_size,
    database,
    keyring: makeLocalKeyring({ database, schema, rootKeys, clock, random, cache, cacheFor }),
    clock,
    random,
  })
}
