import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import type { Database } from '../../ledger/postgres/database.ts'
import { type MakeLedgerDatabase, setClock, withLedgerDatabases } from './equivalence-database.ts'
import { Difference, Lane } from './equivalence-lane.ts'
import { type Machine, sqlMachine } from './equivalence-machines.ts'
import { mutate, SQL_MUTANTS } from './equivalence-mutants.ts'
import { readRows, type SqlRow } from './equivalence-rows.ts'
import { type Sequence, sequences, TICK } from './equivalence-steps.ts'
import { makeRules } from './row-rules.ts'

/*
 * The simulated ledger is held to the SQL one: random sequences of steps on both, equal answers and equal rows after
 * every step. Sequences run side by side, so that step k of a wave of lanes is one statement of each kind.
 *
 *   node test/simulation/equivalence.ts [--runs N] [--seed S] [--json]
 */

/** `CROSSFADE_SEED` repeats a run. */
export const randomSeed = (): number => Number(process.env['CROSSFADE_SEED'] ?? randomInt(2 ** 31))

export interface Comparison {
  readonly sequences: number
  readonly steps: number
  readonly differences: number
  /** The first sequence that differs, shrunk, for people. Null: none does. */
  readonly story: string | null
}

export interface CompareOptions {
  readonly runs: number
  readonly seed: number
  /** Databases to work on at the same time. */
  readonly databases: readonly Database[]
}

/** Two begins of each lane still fit in one batch of the ledger. */
const LANES = 120
/** Any instant will do; leases of before it are over. */
const START = 1_000_000_000_000

interface Wave {
  readonly steps: number
  /** Index within the wave and what differs. */
  readonly difference: { readonly at: number; readonly error: Difference } | null
}

/** All sequences to their end, or until the first difference. */
async function runWave(database: Database, wave: readonly Sequence[]): Promise<Wave> {
  const sql = sqlMachine(database)
  let now = START
  const lanes = wave.map((sequence, i) => new Lane(`lane-${i}`, sequence, makeRules(), () => now))
  await prepare(database, lanes)
  let steps = 0
  for (let active = lanes; active.length > 0; active = active.filter((lane) => !lane.done)) {
    await setClock(database, now)
    const error = await takeAll(database, sql, active)
    if (error !== null) return { steps, difference: { at: lanes.indexOf(error.lane), error: error.error } }
    steps += active.length
    now += TICK
  }
  const error = await readAll(sql, lanes)
  return { steps, difference: error && { at: lanes.indexOf(error.lane), error: error.error } }
}

const prepare = async (database: Database, lanes: readonly Lane[]): Promise<void> => {
  await database.query(null, 'truncate crossfade.secret, crossfade.integration', [])
  await database.query(
    null,
    `insert into crossfade.integration (name, state, inventoried)
       select n, s, true from unnest($1::text[], $2::text[]) x (n, s)`,
    [lanes.map((lane) => lane.integration), lanes.map((lane) => lane.sequence.start)],
  )
}

/** What replicas ask and load, once at the end: it is read from the rows that were compared after every step. */
async function readAll(sql: Machine, lanes: readonly Lane[]) {
  const loaded = await sql.ledger.debts(null, 100_000)
  const read = await Promise.allSettled(lanes.map((lane) => lane.compareReads(sql, loaded)))
  const failed = read.findIndex(({ status }) => status === 'rejected')
  const { reason } = (read[failed] ?? {}) as Partial<PromiseRejectedResult>
  return failed >= 0 && isDifference(reason) ? { lane: lanes[failed] as Lane, error: reason } : null
}

const isDifference = (error: unknown): error is Difference => {
  if (error instanceof Difference) return true
  throw error
}

async function takeAll(database: Database, sql: Machine, active: readonly Lane[]) {
  const taken = await Promise.allSettled(active.map((lane) => lane.take(sql)))
  const names = active.map((lane) => lane.integration)
  const rows = Map.groupBy(await readRows(database, names), (row: SqlRow) => row.integration)
  for (const [i, lane] of active.entries()) {
    const step = taken[i] as PromiseSettledResult<void>
    if (step.status === 'rejected' && isDifference(step.reason)) return { lane, error: step.reason }
    try {
      lane.compare(rows.get(lane.integration) ?? [])
    } catch (error) {
      if (isDifference(error)) return { lane, error }
    }
  }
  return null
}

interface Search {
  readonly sequences: number
  readonly steps: number
  /** Which of `all` differs. */
  readonly failed: number | null
}

/** Until all sequences are done or one differs. */
async function search(databases: readonly Database[], all: readonly Sequence[]): Promise<Search> {
  let next = 0
  let steps = 0
  let failed: number | null = null
  const work = async (database: Database): Promise<void> => {
    while (next < all.length && failed === null) {
      const first = next
      next += LANES
      const wave = await runWave(database, all.slice(first, next))
      steps += wave.steps
      if (wave.difference !== null) failed = Math.min(failed ?? all.length, first + wave.difference.at)
    }
  }
  await Promise.all(databases.map(work))
  return { sequences: Math.min(next, all.length), steps, failed }
}

/** Compares until all runs are done or one differs; then that one alone, again and again, to make it short. */
export async function compareLedgers({ runs, seed, databases }: CompareOptions): Promise<Comparison> {
  const all = fc.sample(sequences, { numRuns: runs, seed })
  const { failed, ...done } = await search(databases, all)
  if (failed === null) return { ...done, differences: 0, story: null }
  const [database] = databases as [Database]
  return { ...done, differences: 1, story: await shrink(database, all[failed] as Sequence, failed, seed) }
}

/** The same sequence is run `failed` of a check with the same seed; fast-check then takes out what is not needed. */
async function shrink(database: Database, sequence: Sequence, failed: number, seed: number): Promise<string> {
  const alone = fc.asyncProperty(sequences, async (smaller) => {
    const { difference } = await runWave(database, [smaller])
    if (difference !== null) throw difference.error
  })
  const { counterexample, numShrinks } = await fc.check(alone, { seed, path: String(failed), numRuns: 1 })
  const shortest = counterexample?.[0] ?? sequence
  const { difference } = await runWave(database, [shortest])
  const what = difference?.error.message ?? 'alone it does not differ: the batch made the difference'
  return `seed ${seed}, sequence ${failed}, shrunk ${numShrinks} times\n${what}`
}

/** As many as keep two cores busy. */
const TRACKS = 3

export const compareOn = async (
  make: MakeLedgerDatabase,
  options: Omit<CompareOptions, 'databases'>,
): Promise<Comparison> => {
  const databases: Database[] = []
  while (databases.length < TRACKS) databases.push(await make())
  return compareLedgers({ ...options, databases })
}

export interface FoundMutant {
  readonly name: string
  readonly found: boolean
  /** Sequences until the difference. */
  readonly runs: number
}

const MUTANT_RUNS = 25 * LANES

/** Each SQL mutant against the simulated ledger. */
export const sqlMutants = (seed = 1): Promise<readonly FoundMutant[]> =>
  withLedgerDatabases(async (make) => {
    const all = fc.sample(sequences, { numRuns: MUTANT_RUNS, seed })
    const results: FoundMutant[] = []
    for (const [name, mutant] of Object.entries(SQL_MUTANTS)) {
      const { rewrite, assertMade } = mutate(mutant)
      const database = await make(rewrite)
      assertMade()
      const { failed } = await search([database], all)
      results.push({ name, found: failed !== null, runs: failed === null ? all.length : failed + 1 })
    }
    return results
  })

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '10000' },
      seed: { type: 'string', default: String(randomSeed()) },
      json: { type: 'boolean', default: false },
    },
  })
  const options = { runs: Number(values.runs), seed: Number(values.seed) }
  const { story, ...figures } = await withLedgerDatabases((make) => compareOn(make, options))
  if (story !== null) console.error(story)
  console.log(values.json ? JSON.stringify({ ...figures, seed: options.seed }) : figures)
  return story === null ? 0 : 1
}

if (import.meta.main) process.exitCode = await main()
