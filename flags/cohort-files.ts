import { readFile } from 'node:fs/promises'
import type { CohortRule } from './cohorts.ts'
import type { CohortConfig } from './config.ts'
import { flagsFault } from './faults.ts'

/** A customer a line; empty lines and lines that begin with `#` are left out. */
export const parseCustomers = (text: string): ReadonlySet<string> =>
  new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#')),
  )

async function readCustomers(name: string, path: string): Promise<ReadonlySet<string>> {
  try {
    return parseCustomers(await readFile(path, 'utf8'))
  } catch (cause) {
    throw flagsFault('cohort-file-unreadable', `cohort ${name}: ${path}`, { cause })
  }
}

async function loadRule(cohort: CohortConfig): Promise<CohortRule> {
  const { name } = cohort
  if (cohort.customers !== undefined) return { name, kind: 'customers', customers: new Set(cohort.customers) }
  if (cohort.pattern !== undefined) return { name, kind: 'pattern', pattern: cohort.pattern }
  if (cohort.customers_file === undefined) return { name, kind: 'rest' }
  return { name, kind: 'customers', customers: await readCustomers(name, cohort.customers_file) }
}

/** The rules of the configuration, files read. Rejects with `cohort-file-unreadable`. */
export const loadCohortRules = (cohorts: readonly CohortConfig[]): Promise<CohortRule[]> =>
  Promise.all(cohorts.map(loadRule))
