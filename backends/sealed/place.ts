import type { Place } from '../place.ts'
import { databaseOf } from '../sql/config.ts'
import type { SealedConfig } from './config.ts'

/** The schema alone: which one of that name it is, its own id says, which moves with a dump. */
export const sealedPlace = ({ schema, url, keyring }: SealedConfig): Place => ({
  where: { schema },
  shown: `schema ${schema} of database ${databaseOf(url)}`,
  mapping: {
    keyring:
      keyring.kind === 'local'
        ? { kind: keyring.kind }
        : { kind: keyring.kind, mount: keyring.mount, key_name: keyring.key_name },
  },
})
