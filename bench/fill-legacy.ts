import type pg from 'pg'
import { LEGACY_TABLE } from '../bin/embedded/sample/legacy.ts'

/** Values of 64 random bytes, 20 names a customer. */
const FILL = `
  insert into ${LEGACY_TABLE} (provider, org_id, key, secret, content_type)
  select $1, 'customer-' || n / 20, 'key-' || n % 20, decode(md5(random()::text) || md5(random()::text), 'hex') ||
    decode(md5(random()::text) || md5(random()::text), 'hex'), 'text/plain' from generate_series(1, $2::int) n`

/** So many more secrets of an integration in the legacy table. */
export const fillLegacy = async (
  client: Pick<pg.Pool, 'query'> | Pick<pg.Client, 'query'>,
  integration: string,
  secrets: number,
): Promise<void> => {
  await (client as pg.Pool).query(FILL, [integration, secrets])
}
