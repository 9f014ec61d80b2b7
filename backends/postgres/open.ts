import type { StoreDeps } from '../deps.ts'
import { followSecretFile, readKeyFile } from '../key-file.ts'
import { makeDatabase } from '../sql/database.ts'
import type { Store } from '../store.ts'
import { makeCodec } from './codec.ts'
import type { PostgresConfig } from './config.ts'
import { makePostgresStore } from './postgres.ts'

/** Builds the store of one section; connects at its first call. Throws a `Fault` if a file cannot be used. */
export function openPostgresStore(config: PostgresConfig, { name, clock, random, metrics }: StoreDeps): Store {
  const { key_file } = config.encoding
  const key = key_file === undefined ? null : readKeyFile(key_file)
  const database = makeDatabase({
    url: config.url,
    password: config.password_file === undefined ? null : followSecretFile(config.password_file),
    applicationName: `crossfade/${name}`,
    maxConnections: config.max_connections,
    statementTimeout: config.deadline,
    clock,
    onQuery: (outcome) => metrics.queries.inc({ store: name, outcome }),
  })
  metrics.watchConnections(name, 'postgresql', database.connections)
  return makePostgresStore(name, config, { database, codec: makeCodec(config.encoding, key, random), clock })
}
