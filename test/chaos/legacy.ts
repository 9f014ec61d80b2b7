import pg from 'pg'
import { CREATE_LEGACY_TABLE, LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import { SEEDS, seedIdentity } from './secrets.ts'

const INSERT = `
  insert into ${LEGACY_TABLE} (provider, org_id, key, secret)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[])`

/** The legacy store as it was before Crossfade. */
export async function seedLegacyTable(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(CREATE_LEGACY_TABLE)
    await client.query(INSERT, [
      SEEDS.map(({ integration }) => integration),
      SEEDS.map(({ customer }) => customer),
      SEEDS.map(({ name }) => name),
      SEEDS.map((address) => Buffer.from(seedIdentity(address))),
    ])
  } finally {
    await client.end()
  }
}
