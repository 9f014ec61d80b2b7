/**
 * `npm run conformance -- --json`: runs the suite on every adapter and prints one JSON object as the last line of standard
 * output; exits 1 if anything failed, a store lacks more than it may (`allowed-lacks.ts`), or one was not run because its
 * server is not here. Without `--json` it prints a table.
 */
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { complaintsOf } from './allowed-lacks.ts'

interface Counts {
  passed: number
  failed: number
  lacks: readonly string[]
}

const SUITE = fileURLToPath(new URL('./conformance.test.ts', import.meta.url))

const stores = new Map<string, Counts>()
const failures: string[] = []
let current = ''

const resultOf = (name: string): Counts => {
  const result = stores.get(name) ?? { passed: 0, failed: 0, lacks: [] }
  stores.set(name, result)
  return result
}

for await (const { type, data } of run({ files: [SUITE], isolation: 'none' })) {
  // Level 0 is a store, level 1 one of its checks.
  if (type === 'test:start' && data.nesting === 0) current = data.name
  if (type === 'test:diagnostic' && data.message.startsWith('{')) {
    const { store, lacks } = JSON.parse(data.message) as { store: string; lacks: string[] }
    resultOf(store).lacks = lacks
  }
  // Skipped, since its server is not here: a result all the same, of nothing.
  if (type === 'test:pass' && data.nesting === 0) resultOf(data.name)
  if (type === 'test:pass' && data.nesting === 1) resultOf(current).passed += 1
  if (type === 'test:fail') {
    const name = data.nesting === 0 ? data.name : current
    // A store that failed before its first check, in opening, counts as a failure too.
    if (data.nesting === 1 || resultOf(name).failed === 0) resultOf(name).failed += 1
    failures.push(`${name}: ${data.name}: ${data.details.error.message}`)
  }
}

const failed = [...stores.values()].reduce((sum, result) => sum + result.failed, 0)
const complaints = complaintsOf(stores)
for (const line of [...failures, ...complaints]) console.error(line)
if (process.argv.includes('--json')) console.log(JSON.stringify({ stores: Object.fromEntries(stores), failed }))
else console.table(Object.fromEntries([...stores].map(([name, r]) => [name, { ...r, lacks: r.lacks.join(', ') }])))
process.exitCode = failed + complaints.length > 0 || stores.size === 0 ? 1 : 0
