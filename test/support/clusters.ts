import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startPostgres } from '../../bin/embedded/postgres.ts'

/**
 * `fast`: without fsync, for everything but a ledger that a whole proxy serves from, which refuses that. test/run.ts starts
 * one of each for the whole run and names it in the environment; a file run by itself starts its own.
 */
export const CLUSTERS = { fast: 'CROSSFADE_TEST_POSTGRES', durable: 'CROSSFADE_TEST_LEDGER' } as const
export type ClusterKind = keyof typeof CLUSTERS

/** Starts the PostgreSQL servers that all test files of a run share, which `freshDatabase` finds by the environment. */
export async function withClusters<T>(use: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), 'crossfade-run-'))
  // As root, the user that PostgreSQL runs as must get in.
  chmodSync(scratch, 0o711)
  const started: EmbeddedPostgres[] = []
  try {
    for (const [kind, variable] of Object.entries(CLUSTERS)) {
      const dataDir = join(scratch, kind)
      mkdirSync(dataDir, { mode: 0o711 })
      const fast = (kind as ClusterKind) === 'fast'
      const cluster = await startPostgres({ dataDir, log: () => {}, fast, icuLocale: 'en-US' })
      started.push(cluster)
      process.env[variable] = cluster.url('postgres')
    }
    return await use(scratch)
  } finally {
    for (const cluster of started) await cluster.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
}
