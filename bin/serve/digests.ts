import { existsSync } from 'node:fs'
import { digest, type Purpose } from '../../backends/digest.ts'
import { readKeyFile } from '../../backends/key-file.ts'
import type { Pairs } from '../../backends/pair.ts'
import type { Address, Secret } from '../../backends/secret.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { missingKey } from './fingerprint-key.ts'

export interface Digests {
  readonly fingerprint: (address: Address, secret: Secret) => string
  readonly etag: (address: Address, secret: Secret) => string
}

/**
 * The two keyed digests, each under a key of its own: fingerprints end with the migration, ETags do not. A fingerprint
 * throws `fingerprint-key-missing` where its key was destroyed at the end; nothing then asks for one.
 */
export function makeDigests(config: CrossfadeConfig, pairs: Pairs): Digests {
  const under = (purpose: Purpose, file: string) => {
    const key = readKeyFile(file)
    return (address: Address, secret: Secret) => digest(key, purpose, address, secret, pairs(address.integration).shape)
  }
  const file = config.ledger.fingerprint_key_file
  const gone = (): string => {
    throw missingKey(file)
  }
  return {
    fingerprint: existsSync(file) ? under('fingerprint', file) : gone,
    etag: under('etag', config.etag.key_file),
  }
}
