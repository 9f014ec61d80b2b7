import { failedAs } from '../failure.ts'
import type { Database } from '../sql/database.ts'
import type { Call, IdentityOutcome } from '../store.ts'

/** In place of an id: whichever it will be, it is none that anybody has met. */
const UNMADE = 'a store without tables yet'

/** The id that lies in the schema itself, and moves with it. Changes nothing. */
export async function sealedIdentity(database: Database, schema: string, call: Call): Promise<IdentityOutcome> {
  const table = `${schema}.identity`
  const look = { name: 'crossfade_identity_there', text: 'SELECT to_regclass($1) IS NOT NULL AS there' }
  const seen = await database.ask<{ there: boolean }>(look, [table], call)
  if (seen.kind === 'failed') return failedAs(seen.failure)
  if (seen.rows[0]?.there !== true) return { kind: 'is', id: UNMADE }
  const answer = await database.ask<{ id: string }>(
    { name: 'crossfade_identity', text: `SELECT id::text AS id FROM ${table}` },
    [],
    call,
  )
  return answer.kind === 'failed' ? failedAs(answer.failure) : { kind: 'is', id: answer.rows[0]?.id ?? null }
}
