import type { Capabilities, Capability } from '../store.ts'
import type { PostgresConfig, ValueColumn } from './config.ts'
import { constantOf } from './key.ts'

const HAS: Capability = { has: true }
const lacks = (why: string): Capability => ({ has: false, why })

const VALUES: Readonly<Record<ValueColumn, Capabilities['values']>> = {
  bytea: 'bytes',
  base64: 'bytes',
  hex: 'bytes',
  text: 'text',
  json: 'json',
  jsonb: 'jsonb',
}

/** Versions survive deletes: there is a version to compare, and a deleted row stays. */
export const isFenced = ({ columns }: PostgresConfig): boolean =>
  columns.version !== undefined && columns.deleted !== undefined

/** What a mapping can do, from the configuration alone. */
export function postgresCapabilities(config: PostgresConfig): Capabilities {
  const { columns } = config
  const only = constantOf(config)
  return {
    ...(only !== null && { only }),
    fence: isFenced(config)
      ? HAS
      : lacks('needs a version column and a deleted column, so that versions survive deletes'),
    bound: HAS,
    compareAndSet: HAS,
    versions: columns.version ? HAS : lacks('no version column is mapped'),
    contentType: columns.content_type ? HAS : lacks('no content_type column is mapped'),
    metadata: columns.metadata ? HAS : lacks('no metadata column is mapped'),
    batch: { max: 500 },
    values: VALUES[config.encoding.column],
    maxSize: config.max_size,
  }
}
