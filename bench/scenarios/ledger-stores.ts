import { chmodSync, mkdirSync } from 'node:fs'
import { startEmbedded } from '../../bin/embedded/system.ts'
import { dataFolder } from '../crossfade.ts'
import type { Bench, System } from '../scenario.ts'

const NOBODY = '127.0.0.1:0'

/**
 * PostgreSQL with both stores and the ledger, as durable as it comes, and nobody who serves; `url` is the path of the
 * configuration. One cluster for all three: what each of them commits waits for the same disk.
 */
export const startStores = (bench: Bench): Promise<System> => startStoresWith(bench, 100)

/** With so many sample secrets. */
export const startStoresWith = async (bench: Bench, secrets: number): Promise<System> => {
  const dataDir = dataFolder(bench)
  // As root, PostgreSQL's user must get through.
  mkdirSync(dataDir, { mode: 0o711 })
  chmodSync(dataDir, 0o711)
  const { paths, postgres } = await startEmbedded({
    dataDir,
    listen: { clients: NOBODY, operators: NOBODY },
    sample: { secrets },
    log: () => undefined,
  })
  return { url: paths.config, headers: {}, stop: () => postgres.stop() }
}
