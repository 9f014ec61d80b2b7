/**
 * `npm run cases [-- --json] [-- --only LIST ...]`: runs every case on real parts, and counts them by list. A case is
 * failed if one of its tests failed or was skipped. Exit 1: one failed. The same files are part of `npm test`.
 */
import { globSync } from 'node:fs'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { withClusters } from '../support/clusters.ts'
import { CASE_NAME, LISTS, type List } from './support/case.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } },
})
const FILE_LIMIT_MS = 15 * 60_000
const here = fileURLToPath(new URL('.', import.meta.url))

/** Case, such as `field 3`, to what went wrong; empty: nothing. */
type Results = Map<string, string[]>

async function runCases(files: readonly string[]): Promise<Results> {
  const results: Results = new Map()
  const failures = (name: string): string[] => {
    const [, list, id] = CASE_NAME.exec(name) ?? [null, 'own', name]
    const key = `${list} ${id}`
    const known = results.get(key) ?? []
    results.set(key, known)
    return known
  }
  for await (const { type, data } of run({ files: [...files], concurrency: 2, timeout: FILE_LIMIT_MS })) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.nesting !== 0 || (type === 'test:pass' && !CASE_NAME.test(data.name))) continue
    const found = failures(data.name)
    if (type === 'test:fail') found.push(`${data.name}: ${data.details.error.message}`)
    else if (data.skip !== undefined) found.push(`${data.name}: skipped: ${data.skip}`)
  }
  return results
}

const wanted = (list: string): boolean => values.only === undefined || values.only.includes(list)
const files = LISTS.filter(wanted)
  .flatMap((list) => globSync(`${here}${list}/**/*.test.ts`))
  .sort()
const results = await withClusters(() => runCases(files))
const failed = [...results.values()].filter((found) => found.length > 0)
for (const line of failed.flat()) console.error(line)
const countOf = (list: List): number => [...results.keys()].filter((key) => key.startsWith(`${list} `)).length
const by_list = Object.fromEntries(LISTS.filter(wanted).map((list) => [list, countOf(list)]))
const answer = { cases: results.size, failed: failed.length, by_list }
console.log(values.json ? JSON.stringify(answer) : `${answer.cases} cases, ${answer.failed} failed`)
process.exitCode = failed.length > 0 || results.size === 0 ? 1 : 0
