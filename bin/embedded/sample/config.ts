import type { z } from 'zod'
import type { configSchema } from '../../config/schema.ts'
import type { SampleIntegration } from './integrations.ts'
import { LEGACY_TABLE } from './legacy.ts'
import { OWN_COMPANY } from './secrets.ts'

/** A database of the embedded PostgreSQL: without a password, which stands in `passwordFile`. */
export interface SampleConfigOptions {
  readonly listen: { readonly clients: string; readonly operators: string }
  /** `postgres://user@127.0.0.1:port/database` of each of the three. */
  readonly urls: { readonly ledger: string; readonly legacy: string; readonly new: string }
  readonly passwordFile: string
  readonly fingerprintKeyFile: string
  readonly rootKeyFile: string
  readonly etagKeyFile: string
  readonly flagsFile: string
  readonly tokensFile: string
  readonly auditFile: string
  /** Where caps wait for the ledger; left out: nowhere. */
  readonly capsFile?: string
  readonly integrations: readonly SampleIntegration[]
}

/** The environment that the embedded flags file is of. */
export const SAMPLE_ENVIRONMENT = 'embedded'

/** A configuration as a person would write it: durations and sizes are text with units. */
export type ConfigInput = z.input<typeof configSchema>

/**
 * The configuration of the embedded system: a home-grown table as legacy, the sealed service as new, one replica, flags
 * from a watched file.
 */
export const sampleConfig = (options: SampleConfigOptions): ConfigInput => {
  const connection = { password_file: options.passwordFile, deadline: '2s' }
  return {
    version: 1,
    listen: { clients: { address: options.listen.clients }, operators: { address: options.listen.operators } },
    ledger: {
      url: options.urls.ledger,
      password_file: options.passwordFile,
      fingerprint_key_file: options.fingerprintKeyFile,
      ...(options.capsFile === undefined ? {} : { caps_file: options.capsFile }),
    },
    stores: {
      homegrown: {
        kind: 'postgres',
        url: options.urls.legacy,
        ...connection,
        table: LEGACY_TABLE,
        columns: {
          integration: 'provider',
          customer: 'org_id',
          name: 'key',
          value: 'secret',
          content_type: 'content_type',
          metadata: 'attributes',
          updated_at: 'modified',
        },
        encoding: { column: 'bytea' },
      },
      vaulted: {
        kind: 'sealed',
        url: options.urls.new,
        ...connection,
        keyring: { kind: 'local', root_key_file: options.rootKeyFile },
      },
    },
    cohorts: [
      { name: 'dogfood', customers: [OWN_COMPANY] },
      { name: 'pilot', pattern: 'eu-*' },
      { name: 'general', rest: true },
    ],
    flags: { source: 'file', path: options.flagsFile, environment: SAMPLE_ENVIRONMENT },
    integrations: {
      defaults: { legacy: 'homegrown', new: 'vaulted', value: 'bytes', max_size: '64KiB' },
      ...Object.fromEntries(options.integrations.map(({ name, owner, shape }) => [name, { owner, value: shape }])),
    },
    etag: { key_file: options.etagKeyFile },
    identity: { tokens_file: options.tokensFile },
    audit: { sinks: [{ kind: 'file', path: options.auditFile }], deadline: '1s' },
  }
}
