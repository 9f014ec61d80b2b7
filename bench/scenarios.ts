import type { Bench, Result } from './scenario.ts'
import { runScenario } from './scenario.ts'
import { debtwrite } from './scenarios/debtwrite.ts'
import { ledger } from './scenarios/ledger.ts'
import { passthrough } from './scenarios/passthrough.ts'

/** A scenario whose systems' names no longer matter. */
export interface Listed {
  readonly about: string
  run(bench: Bench): Promise<Result>
}

/** `npm run bench -- NAME`; a new scenario is one file and one line here. */
export const SCENARIOS: Readonly<Record<string, Listed>> = {
  [debtwrite.name]: { about: debtwrite.about, run: (bench) => runScenario(debtwrite, bench) },
  [ledger.name]: { about: ledger.about, run: (bench) => runScenario(ledger, bench) },
  [passthrough.name]: { about: passthrough.about, run: (bench) => runScenario(passthrough, bench) },
}
