import { existsSync } from 'node:fs'
import { keyCheck } from '../../backends/digest.ts'
import { readKeyFile } from '../../backends/key-file.ts'
import type { CrossfadeConfig } from '../config/schema.ts'

/** By which the two keys of a configuration are known; null: the fingerprint key was destroyed at the end of the migration. */
export interface KeyChecks {
  readonly fingerprint: string | null
  readonly etag: string
}

/** Reads both files. Throws `store-file-unreadable`. */
export function keyChecksOf({ ledger, etag }: Pick<CrossfadeConfig, 'ledger' | 'etag'>): KeyChecks {
  const file = ledger.fingerprint_key_file
  return {
    fingerprint: existsSync(file) ? keyCheck(readKeyFile(file), 'fingerprint') : null,
    etag: keyCheck(readKeyFile(etag.key_file), 'etag'),
  }
}
