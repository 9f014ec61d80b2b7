import { parseArgs } from 'node:util'
import { sqlMutants } from './equivalence.ts'
import { MUTANTS } from './mutants.ts'
import { type Break, findBreak, prove } from './proof.ts'

/*
 * npm run simulate -- [--runs N] [--seed S] [--break all|NAME] [--json]
 * The proof of the protocol on the real code. Exit 3: an invariant was broken, or a mutant was not found; 2: usage.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 0x7fffffff) },
    break: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const runs = Number(values.runs)
const note = (text: string) => process.stderr.write(`${text}\n`)

async function invariants(): Promise<number> {
  const started = performance.now()
  const proof = await prove({ runs, seed, onRun: (n) => n % 1000 === 0 && note(`${n} of ${runs} runs`) })
  const seconds = Math.round((performance.now() - started) / 100) / 10
  if (proof.failure !== null) {
    note(`${proof.failure.violation}\n\nseed ${seed}, the shortest story found:\n\n${proof.failure.story.join('\n')}\n`)
    note(`again: npm run simulate -- --runs ${runs} --seed ${seed}`)
  }
  const { failure, ...counts } = proof
  const answer = {
    ...counts,
    seconds,
    ...(failure === null ? {} : { violation: failure.violation, path: failure.path }),
  }
  process.stdout.write(
    values.json
      ? `${JSON.stringify(answer)}\n`
      : `${proof.runs} runs, ${proof.steps} steps, ${proof.violations} violations, seed ${seed}\n`,
  )
  return failure === null ? 0 : 3
}

async function breaks(which: string): Promise<number> {
  const chosen = [...MUTANTS].filter(([name]) => which === 'all' || name === which)
  if (chosen.length === 0) {
    note(`no mutant ${which}; there are ${[...MUTANTS.keys()].join(', ')}`)
    return 2
  }
  const found: Break[] = []
  for (const [name, mutant] of chosen) {
    const result = await findBreak(name, mutant, seed)
    note(
      `${result.found ? 'found' : 'NOT FOUND'} ${name} after ${result.runs} runs: ${result.violation ?? mutant.breaks}`,
    )
    found.push(result)
  }
  // Those of the SQL itself are found by holding it to the simulated ledger.
  const inSql = which === 'all' ? await sqlMutants(seed) : []
  for (const { name, found: isFound, runs: n } of inSql)
    note(`${isFound ? 'found' : 'NOT FOUND'} ${name} after ${n} sequences`)
  const all = [...found, ...inSql].map(({ name, found: isFound, runs: n }) => ({ name, found: isFound, runs: n }))
  const missed = all.filter((b) => !b.found).length
  process.stdout.write(
    values.json ? `${JSON.stringify({ breaks: all, seed })}\n` : `${all.length - missed} of ${all.length} found\n`,
  )
  return missed === 0 ? 0 : 3
}

if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  note('--runs and --seed want whole numbers')
  process.exitCode = 2
} else {
  process.exitCode = values.break === undefined ? await invariants() : await breaks(values.break)
}
