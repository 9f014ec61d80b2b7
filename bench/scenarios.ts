import type { Bench, Result, Scenario } from './scenario.ts'
import { runScenario } from './scenario.ts'
import { backfill } from './scenarios/backfill.ts'
import { debtwrite } from './scenarios/debtwrite.ts'
import { flip } from './scenarios/flip.ts'
import { isolation } from './scenarios/isolation.ts'
import { ledger } from './scenarios/ledger.ts'
import { pace } from './scenarios/pace.ts'
import { passthrough } from './scenarios/passthrough.ts'
import { scrape } from './scenarios/scrape.ts'

/** A scenario whose systems' names no longer matter. */
export interface Listed {
  readonly about: string
  readonly seconds: number
  run(bench: Bench): Promise<Result>
}

const SECONDS = 20

const listed = <Name extends string>(scenario: Scenario<Name>): Readonly<Record<string, Listed>> => {
  const { name, about, seconds = SECONDS } = scenario
  return { [name]: { about, seconds, run: (bench) => runScenario(scenario, bench) } }
}

/** `npm run bench -- NAME`; a new scenario is one file and one line here. */
export const SCENARIOS: Readonly<Record<string, Listed>> = {
  ...listed(backfill),
  ...listed(debtwrite),
  ...listed(flip),
  ...listed(isolation),
  ...listed(ledger),
  ...listed(pace),
  ...listed(passthrough),
  ...listed(scrape),
}
