import { LIMIT_KEYS } from '../limits.ts'
import { type Place, without } from '../place.ts'
import { CONNECTION_KEYS, databaseOf } from '../sql/config.ts'
import type { PostgresConfig } from './config.ts'

/** The table, and every key of the mapping but the one that no read goes by. */
export function postgresPlace(config: PostgresConfig): Place {
  const { table, columns, encoding } = config
  const database = databaseOf(config.url)
  const rest = without(config, [...CONNECTION_KEYS, ...LIMIT_KEYS, 'kind', 'table'])
  return {
    where: { database, table },
    shown: `table ${table} of database ${database}`,
    mapping: { ...rest, columns: without(columns, ['updated_at']), encoding: without(encoding, ['key_file']) },
  }
}
