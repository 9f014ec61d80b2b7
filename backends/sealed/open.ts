import type { StoreDeps } from '../deps.ts'
import { followSecretFile, readKeyFile } from '../key-file.ts'
import { type Database, makeDatabase } from '../sql/database.ts'
import type { Store } from '../store.ts'
import { openVaultClient } from '../vault/open.ts'
import type { LocalKeyringConfig, SealedConfig, TransitKeyringConfig } from './config.ts'
import { makeCustomers } from './customers.ts'
import type { Keyring } from './keyring.ts'
import { makeLocalKeyring } from './local-keyring.ts'
import type { RootKeys } from './local-keys.ts'
import { measuredKeyring } from './measured-keyring.ts'
import { makeSealedStore } from './sealed.ts'
import { makeTransitKeyring } from './transit-keyring.ts'

/** Builds the store of one section; connects and migrates at its first call. Throws a `Fault` if a file cannot be used. */
export function openSealedStore(config: SealedConfig, deps: StoreDeps): Store {
  const { name, clock, random } = deps
  const { schema } = config
  const openKeyring = keyringOf(config, deps)
  const database = makeDatabase({
    url: config.url,
    password: config.password_file === undefined ? null : followSecretFile(config.password_file),
    applicationName: `crossfade/${name}`,
    maxConnections: config.max_connections,
    statementTimeout: config.deadline,
    clock,
    onQuery: (outcome) => deps.metrics.queries.inc({ store: name, outcome }),
  })
  deps.metrics.watchConnections(name, 'postgresql', database.connections)
  return makeSealedStore({
    name,
    schema,
    keepVersions: config.keep_versions,
    maxSize: config.max_size,
    database,
    keyring: measuredKeyring(openKeyring(database), name, deps.metrics),
    clock,
    random,
  })
}

/** In two steps: the files are read before anything is open that would have to be closed again. */
function keyringOf({ keyring, schema }: SealedConfig, deps: StoreDeps): (database: Database) => Keyring {
  return keyring.kind === 'local' ? localKeyring(keyring, schema, deps) : transitKeyring(keyring, schema, deps)
}

function localKeyring(config: LocalKeyringConfig, schema: string, { clock, random }: StoreDeps) {
  const rootKeys: RootKeys = [
    readKeyFile(config.root_key_file),
    ...(config.previous_root_key_file === undefined ? [] : [readKeyFile(config.previous_root_key_file)]),
  ]
  const { cache, cache_for: cacheFor } = config
  return (database: Database) => makeLocalKeyring({ database, schema, rootKeys, clock, random, cache, cacheFor })
}

function transitKeyring(config: TransitKeyringConfig, schema: string, deps: StoreDeps) {
  const client = openVaultClient(config, deps)
  const { key_name: keyName, cache } = config
  const mount = config.mount.split('/')
  return (database: Database) =>
    makeTransitKeyring({ client, mount, keyName, cache, customers: makeCustomers(database, schema) })
}
