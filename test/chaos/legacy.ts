import pg from 'pg'
import { CREATE_LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import type { Legacy } from '../pairs/legacy.ts'
import { openLegacyKv } from '../pairs/legacy-kv.ts'
import { openLegacyTable } from '../pairs/legacy-table.ts'
import { legacyOf, type PairName } from '../pairs/pair.ts'
import type { RunningPairBao } from '../pairs/pair-bao.ts'
import { SEEDS, seedIdentity } from './secrets.ts'

/** The legacy store as it was before Crossfade. `table`: the URL of the database that one on PostgreSQL lies in. */
export async function seedLegacy(pair: PairName, table: string, bao: RunningPairBao | null): Promise<void> {
  const legacy = await openLegacy(pair, table, bao)
  try {
    await legacy.seed(
      SEEDS.map((address) => ({
        ...address,
        value: Buffer.from(seedIdentity(address)),
        contentType: null,
        metadata: {},
      })),
    )
  } finally {
    await legacy.close()
  }
}

async function openLegacy(pair: PairName, table: string, bao: RunningPairBao | null): Promise<Legacy> {
  if (legacyOf(pair) !== 'postgres' && bao !== null) return openLegacyKv(bao)
  await createTable(table)
  return openLegacyTable(table)
}

async function createTable(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(CREATE_LEGACY_TABLE)
  } finally {
    await client.end()
  }
}
