import type { Database } from './database.ts'

/** How many secrets of an integration that no address leads to an operator accepted to leave behind. */
export async function readAcceptedUnaddressed(database: Database, integration: string): Promise<number> {
  const text = 'select unaddressed_accepted as n from crossfade.integration where name = $1'
  const [row] = await database.query<{ n: number }>('crossfade-unaddressed', text, [integration])
  return row?.n ?? 0
}

/** The word on so many; more of them later ask for another one. */
export async function acceptUnaddressed(database: Database, integration: string, count: number): Promise<void> {
  const text = 'update crossfade.integration set unaddressed_accepted = $2 where name = $1'
  await database.query('crossfade-unaddressed-accept', text, [integration, count])
}
