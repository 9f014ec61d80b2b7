import { readSecretFile } from '../../backends/key-file.ts'
import { systemClock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import { type Database, makeDatabase } from '../../ledger/postgres/database.ts'
import { makeEnrolments } from '../../ledger/postgres/enrolments.ts'
import { assertMigrated } from '../../ledger/postgres/migrate.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { configProblems, isHeld } from '../serve/configured.ts'
import { keyChecksOf } from '../serve/key-checks.ts'
import type { Runs } from '../serve/said-runs.ts'
import type { CheckResult } from './check.ts'
import type { CrossfadeConfig } from './schema.ts'
import { idsOf } from './store-identities.ts'

/**
 * What a start would refuse because of what the ledger holds. Nothing is said of a ledger that does not answer, or is not made
 * yet: that is found elsewhere. Nothing is changed anywhere.
 */
export async function ledgerChecks(config: CrossfadeConfig): Promise<readonly CheckResult[]> {
  try {
    const database = openLedger(config)
    try {
      await assertMigrated(database)
      return [...(await enrolmentProblems(config, database)), ...(await keyProblems(config, database))]
    } finally {
      await database.close()
    }
  } catch (error) {
    if (isFault(error)) return []
    throw error
  }
}

/** A connection to look by. Throws `store-file-unreadable`. */
export const openLedger = ({ ledger }: Pick<CrossfadeConfig, 'ledger'>): Database =>
  makeDatabase({
    url: ledger.url,
    password: ledger.password_file === undefined ? undefined : readSecretFile(ledger.password_file),
    maxConnections: 1,
    statementTimeout: ledger.statement_timeout,
    clock: systemClock,
  })

async function enrolmentProblems(config: CrossfadeConfig, database: Database): Promise<readonly CheckResult[]> {
  const rows = await makePostgresLedger(database).integrations()
  const recorded = await makeEnrolments<Runs>(database).all()
  const ids = await idsOf(config).catch(() => new Map<string, string | null>())
  return configProblems({ config, rows, recorded, idOf: (store) => ids.get(store) }).map(({ integration, words }) => ({
    level: 'problem',
    subject: `integrations.${integration}`,
    message: words,
  }))
}

async function keyProblems(config: CrossfadeConfig, database: Database): Promise<readonly CheckResult[]> {
  const enrolments = makeEnrolments<Runs>(database)
  const checks = keyChecksOf(config)
  const [fingerprint, etag] = [await enrolments.key('fingerprint'), await enrolments.key('etag')]
  const held = (await makePostgresLedger(database).integrations()).some(({ state }) => isHeld(state))
  const isOther = (kept: string | null, own: string | null): boolean => kept !== null && own !== null && kept !== own
  return [
    ...(held && isOther(fingerprint, checks.fingerprint)
      ? [problem('ledger.fingerprint_key_file', 'this is not the fingerprint key of the ledger')]
      : []),
    ...(isOther(etag, checks.etag) ? [problem('etag.key_file', 'this is not the ETag key that was used so far')] : []),
  ]
}

const problem = (subject: string, message: string): CheckResult => ({ level: 'problem', subject, message })
