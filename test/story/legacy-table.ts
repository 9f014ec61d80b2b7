import type pg from 'pg'
import type { Address } from '../../backends/secret.ts'
import { LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import { makeRandom } from '../../bin/embedded/sample/random.ts'
import type { Stored } from './content.ts'

/** A row of the legacy table, as the application that owns it would read it. */
export type LegacyRow = Address & Stored

const ALL = `
  select provider as integration, org_id as customer, key as name, secret as value, content_type as "contentType",
    attributes as metadata
  from ${LEGACY_TABLE}`

export const readLegacyTable = async (legacy: pg.Pool): Promise<readonly LegacyRow[]> =>
  (await legacy.query<LegacyRow>(ALL)).rows

const CHANGE = `update ${LEGACY_TABLE} set secret = secret || '!'::bytea where provider = $1 and org_id = $2 and key = $3`

/** Changes the values of `count` of these behind Crossfade's back. */
export async function sabotage(
  legacy: pg.Pool,
  candidates: readonly Address[],
  count: number,
  seed: string,
): Promise<void> {
  const random = makeRandom(`sabotage ${seed}`)
  const left = [...candidates]
  if (left.length < count) throw new Error(`only ${left.length} secrets can be sabotaged`)
  for (let n = 0; n < count; n++) {
    const [victim] = left.splice(random.below(left.length), 1)
    const { integration, customer, name } = victim as Address
    const { rowCount } = await legacy.query(CHANGE, [integration, customer, name])
    if (rowCount !== 1) throw new Error('a sabotaged row was not there')
  }
}
