import { failedAs } from '../failure.ts'
import type { Call, IdentityOutcome } from '../store.ts'
import type { Statement } from './connection.ts'
import type { Database } from './database.ts'

const MAY_ASK: Statement = {
  name: 'crossfade_may_identify',
  text: "SELECT has_function_privilege('pg_control_system()', 'execute') AS may",
}
const ASK: Statement = {
  name: 'crossfade_identify',
  text: 'SELECT system_identifier::text AS id FROM pg_control_system()',
}

/**
 * Of the whole cluster, for a table that can carry no id of its own: standbys and what is restored from a base backup have the
 * same, what a dump was restored into has another. Two statements, since asking without the right to is an error.
 */
export async function clusterIdentity(database: Database, call: Call): Promise<IdentityOutcome> {
  const may = await database.ask<{ may: boolean }>(MAY_ASK, [], call)
  if (may.kind === 'failed') return failedAs(may.failure)
  if (may.rows[0]?.may !== true) return { kind: 'is', id: null }
  const answer = await database.ask<{ id: string }>(ASK, [], call)
  return answer.kind === 'failed' ? failedAs(answer.failure) : { kind: 'is', id: answer.rows[0]?.id ?? null }
}
