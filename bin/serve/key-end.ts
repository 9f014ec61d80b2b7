import { existsSync } from 'node:fs'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Journal } from '../../ledger/postgres/journal.ts'
import type { LeaveDeps } from '../../migrator/leave.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { destroyKeyFile, isOver, otherUseOf } from './fingerprint-key.ts'

/** The end of the fingerprint key, with the last integration that is finalized. */
export function keyEnd(
  config: CrossfadeConfig,
  ledger: Pick<Ledger, 'integrations'>,
  journal: Pick<Journal, 'append'>,
): Pick<LeaveDeps, 'endsKey' | 'onFinalized'> {
  const file = config.ledger.fingerprint_key_file
  return {
    endsKey: async (integration) => existsSync(file) && isOver(config, await ledger.integrations(), integration),
    onFinalized: async (_integration, { actor, reason }) => {
      if (!isOver(config, await ledger.integrations(), null)) return
      const usedBy = existsSync(file) ? otherUseOf(config) : null
      const kind = usedBy === null ? 'key-destroyed' : 'key-kept'
      // Written down first: a kill between the two is made good by the next run, which finds all of them finalized.
      if (existsSync(file)) await journal.append({ kind, integration: null, actor, detail: { reason, file, usedBy } })
      if (usedBy === null) await destroyKeyFile(file)
    },
  }
}
