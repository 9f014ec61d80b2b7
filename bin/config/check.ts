import { busChecks } from './check-bus.ts'
import { connectionChecks } from './check-connections.ts'
import { fileChecks } from './check-files.ts'
import { flagChecks } from './check-flags.ts'
import { ledgerChecks } from './check-ledger.ts'
import { shapeChecks } from './check-shapes.ts'
import { readConfig } from './load.ts'
import type { CrossfadeConfig } from './schema.ts'

/** `problem`: it would not work. `warning`: it works, and should be looked at. */
export interface CheckResult {
  readonly level: 'ok' | 'warning' | 'problem'
  /** What was looked at: a place in the file, the path of a key, or a name. */
  readonly subject: string
  readonly message: string
}

export interface ConfigCheck {
  /** No problem was found; warnings do not count. */
  readonly ok: boolean
  readonly results: readonly CheckResult[]
}

export interface CheckOptions {
  readonly env: Readonly<NodeJS.ProcessEnv>
  /** Also ask the stores, the ledger, the bus and the flag server. */
  readonly connect: boolean
}

type Check = (config: CrossfadeConfig) => Promise<readonly CheckResult[]>

/** What `crossfade config check FILE` finds; everything at once. Throws `config-unreadable` if there is no such file. */
export async function configCheck(path: string, options: CheckOptions): Promise<ConfigCheck> {
  const reading = readConfig(path, options.env)
  if (reading.kind === 'invalid') {
    const results = reading.problems.map((found): CheckResult => {
      const message = found.path === '' ? found.message : `${found.path}: ${found.message}`
      return { level: 'problem', subject: `${path}:${found.line}:${found.column}`, message }
    })
    return { ok: false, results }
  }
  const checks: readonly Check[] = options.connect
    ? [fileChecks, shapeChecks, connectionChecks, busChecks, flagChecks, ledgerChecks]
    : [fileChecks, shapeChecks]
  const valid: CheckResult = { level: 'ok', subject: path, message: summary(reading.config) }
  const results = [valid, ...(await Promise.all(checks.map((check) => check(reading.config)))).flat()]
  return { ok: results.every(({ level }) => level !== 'problem'), results }
}

function summary({ integrations, stores, cohorts }: CrossfadeConfig): string {
  const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`
  const parts = [
    count(Object.keys(integrations).length, 'integration'),
    count(Object.keys(stores).length, 'store'),
    count(cohorts.length, 'cohort'),
  ]
  return `valid: ${parts.join(', ')}`
}
