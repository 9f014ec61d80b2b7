import { differences, type Enrolment, finalDifferences } from '../../ledger/enrolment.ts'
import { ledgerFault } from '../../ledger/faults.ts'
import type { Database } from '../../ledger/postgres/database.ts'
import { makeEnrolments } from '../../ledger/postgres/enrolments.ts'
import { makeJournal } from '../../ledger/postgres/journal.ts'
import { assertMigrated } from '../../ledger/postgres/migrate.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { enrolmentOf } from '../serve/enrolments.ts'
import { keyChecksOf } from '../serve/key-checks.ts'
import type { Runs } from '../serve/said-runs.ts'
import { openLedger } from './check-ledger.ts'
import type { CrossfadeConfig } from './schema.ts'
import { idsOf } from './store-identities.ts'

/*
 * A change that the ledger cannot tell from a mistake: a store that was moved, with all it holds, to another server or another
 * name; an ETag key that was exchanged on purpose. No process can start with it, so it is no call to one: an operator says so
 * of a file, while nobody serves.
 */
export interface Acceptance {
  /** What the file has otherwise than the ledger, and may have from now on. */
  readonly accepted: readonly string[]
  readonly executed: boolean
}

export interface AcceptOptions {
  readonly execute: boolean
  readonly reason: string | null
  readonly actor: string
}

/** Throws `enrolled-otherwise` where a difference is no move, and `replica-differs` while a replica lives. */
export async function acceptConfig(config: CrossfadeConfig, options: AcceptOptions): Promise<Acceptance> {
  const database = openLedger(config)
  try {
    await assertMigrated(database)
    return await accept(config, database, options)
  } finally {
    await database.close()
  }
}

async function accept(config: CrossfadeConfig, database: Database, options: AcceptOptions): Promise<Acceptance> {
  const enrolments = makeEnrolments<Runs>(database)
  const recorded = await enrolments.all()
  const finalized = new Set(
    (await makePostgresLedger(database).integrations()).flatMap((row) =>
      row.state === 'finalized' ? [row.integration] : [],
    ),
  )
  const ids = await idsOf(config)
  const moved: { readonly integration: string; readonly now: Enrolment; readonly words: readonly string[] }[] = []
  const other: string[] = []
  for (const [integration, was] of recorded) {
    if (!Object.hasOwn(config.integrations, integration)) continue
    const now = enrolmentOf(config, integration, (store) => ids.get(store) ?? null)
    const found = finalized.has(integration) ? finalDifferences(now, was) : differences(now, was)
    other.push(...found.filter(({ kind }) => kind === 'other').map(({ words }) => `${integration}: ${words}`))
    const words = found.filter(({ kind }) => kind === 'moved').map((one) => `${integration}: ${one.words}`)
    if (words.length > 0) moved.push({ integration, now, words })
  }
  if (other.length > 0) throw ledgerFault('enrolled-otherwise', other.join('; '))
  const { etag } = keyChecksOf(config)
  const isOtherKey = (await enrolments.key('etag')) !== etag
  const accepted = [...moved.flatMap(({ words }) => words), ...(isOtherKey ? ['etag.key_file: another key'] : [])]
  if (!options.execute || accepted.length === 0) return { accepted, executed: false }
  const live = (await enrolments.said()).map(({ name }) => name)
  if (live.length > 0)
    throw ledgerFault('replica-differs', `stop them first, or wait until their leases are over: ${live.join(', ')}`)
  for (const { integration, now } of moved) await enrolments.move(integration, now)
  if (isOtherKey) await enrolments.claimKey('etag', etag, true)
  const detail = { accepted, reason: options.reason }
  await makeJournal(database).append({ kind: 'config-accepted', integration: null, actor: options.actor, detail })
  return { accepted, executed: true }
}
