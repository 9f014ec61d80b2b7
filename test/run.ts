import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bringParts } from './parts.ts'
import { withClusters } from './support/clusters.ts'
import { isPartName, type PartName } from './support/parts.ts'

/*
 * npm test [-- --only FOLDER ...]: every test/**\/*.test.ts, or those whose path below test/ begins with FOLDER, on two
 * PostgreSQL servers for the whole run. Suites whose parts this machine lacks are named at the end, with the command that brings
 * them. With CI=true the parts are brought first, and a skipped test is a failure.
 */

interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Skipped tests by the part that they need. */
  readonly wanting: ReadonlyMap<string, number>
}

const FILE_LIMIT_MS = 15 * 60_000
const project = fileURLToPath(new URL('..', import.meta.url))
const isCi = process.env['CI'] === 'true'

function selectFiles(only: readonly string[]): readonly string[] {
  const files = globSync('test/**/*.test.ts', { cwd: project }).sort()
  const isWanted = (file: string): boolean =>
    only.length === 0 || only.some((prefix) => relative('test', file).startsWith(prefix.replace(/^test\//, '')))
  return files.filter(isWanted).map((file) => join(project, file))
}

/** Reads what the suites declare, so that CI brings no part that nothing needs. */
function neededParts(files: readonly string[]): readonly PartName[] {
  const names = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\bneeds\('([^']+)'\)/g)])
  return [...new Set(names.map(([, name]) => name ?? ''))].filter(isPartName)
}

/** They start many processes and measure silence in fractions of a second: nothing else may take the processor then. */
const ALONE = /^test\/(chaos|serve|story)\//

async function runAll(files: readonly string[], signal: AbortSignal): Promise<Totals> {
  const isAlone = (file: string): boolean => ALONE.test(relative(project, file))
  const together = files.filter((file) => !isAlone(file))
  const alone = files.filter(isAlone)
  const first = together.length === 0 ? NOTHING : await runFiles(together, 2, signal)
  const second = alone.length === 0 || signal.aborted ? NOTHING : await runFiles(alone, 1, signal)
  return {
    passed: first.passed + second.passed,
    failed: first.failed + second.failed,
    skipped: first.skipped + second.skipped,
    wanting: sum(first.wanting, second.wanting),
  }
}

const NOTHING: Totals = { passed: 0, failed: 0, skipped: 0, wanting: new Map() }

function sum(...maps: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const total = new Map<string, number>()
  for (const [part, n] of maps.flatMap((map) => [...map])) total.set(part, (total.get(part) ?? 0) + n)
  return total
}

async function runFiles(files: readonly string[], concurrency: number, signal: AbortSignal): Promise<Totals> {
  const events = run({ files: [...files], concurrency, timeout: FILE_LIMIT_MS, signal })
  let totals = NOTHING
  const wanting = new Map<string, number>()
  events.on('test:pass', ({ skip }) => {
    const part = typeof skip === 'string' ? WANTING.exec(skip)?.[1] : undefined
    if (part !== undefined) wanting.set(part, (wanting.get(part) ?? 0) + 1)
  })
  events.on('test:summary', ({ file, counts }) => {
    // Each file has a summary of its own; the last one, of no file, is of the run.
    if (file !== undefined) return
    const failed = counts.tests - counts.passed - counts.skipped - counts.todo
    totals = { passed: counts.passed, failed, skipped: counts.skipped + counts.todo, wanting }
  })
  await pipeline(events, new spec(), process.stdout, { end: false })
  return totals
}

/** A test that was skipped for want of a part says so in these words (support/parts.ts). */
const WANTING = /^(\S+) is not installed/

/** Each missing part on lines of its own: how many tests went without it, what brings it, and in which suites they are. */
function reportMissing(record: string, skipped: ReadonlyMap<string, number>): void {
  if (!existsSync(record)) return
  const lines = [...new Set(readFileSync(record, 'utf8').trim().split('\n'))].map((line) => line.split('\t'))
  const suites = Object.groupBy(lines, ([part]) => part ?? '')
  for (const [part, rows] of Object.entries(suites)) {
    const files = rows?.map(([, file]) => relative(project, file ?? '')) ?? []
    console.log(`\nskipped: ${skipped.get(part) ?? 0} tests that need ${part}, in ${files.length} files`)
    console.log(`to run them: npm run parts -- ${part}`)
    for (const file of files) console.log(`  ${file}`)
  }
}

async function main(only: readonly string[], signal: AbortSignal): Promise<number> {
  const files = selectFiles(only)
  if (files.length === 0) {
    console.error(`no test file below test/ begins with ${only.join(' or ')}`)
    return 2
  }
  return withClusters(async (scratch) => {
    const missing = join(scratch, 'missing-parts')
    process.env['CROSSFADE_TEST_MISSING'] = missing
    if (isCi) bringParts(neededParts(files))
    const { passed, failed, skipped, wanting } = await runAll(files, signal)
    reportMissing(missing, wanting)
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
    return failed > 0 || passed === 0 || (isCi && skipped > 0) ? 1 : 0
  })
}

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } })
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
process.exitCode = await main(values.only ?? [], interrupted.signal)
