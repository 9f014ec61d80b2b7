import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SCENARIOS } from './scenarios.ts'

/*
 * npm run bench -- NAME [--seconds S] [--secrets N] [--no-scale] [--json]: starts what the scenario compares, a process each, warms up, alternates,
 * and prints the figures; with --json as one object in the last line. Exits 1 if what the scenario demands does not hold.
 */

const USAGE = `npm run bench -- NAME [--seconds S] [--secrets N] [--no-scale] [--json]

${Object.entries(SCENARIOS)
  .map(([name, { about }]) => `  ${name}  ${about}`)
  .join('\n')}`

interface Order {
  readonly name: string
  readonly seconds: number
  readonly secrets: number
  readonly scale: boolean
  readonly json: boolean
}

/** Null for a command line that is not one. */
const readOrder = (argv: readonly string[]): Order | null => {
  try {
    const options = {
      seconds: { type: 'string' },
      secrets: { type: 'string', default: '100000' },
      'no-scale': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    } as const
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const [name = '', ...more] = positionals
    const seconds = Number(values.seconds ?? SCENARIOS[name]?.seconds)
    const secrets = Number(values.secrets)
    const isOrder =
      Object.hasOwn(SCENARIOS, name) && more.length === 0 && seconds > 0 && Number.isInteger(secrets) && secrets > 0
    return isOrder ? { name, seconds, secrets, scale: !values['no-scale'], json: values.json } : null
  } catch {
    return null
  }
}

const main = async (argv: readonly string[], signal: AbortSignal): Promise<number> => {
  const order = readOrder(argv)
  if (order === null) {
    console.error(USAGE)
    return 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-bench-'))
  chmodSync(folder, 0o711)
  try {
    const note = (text: string): void => console.error(text)
    const result = await SCENARIOS[order.name]?.run({ ...order, folder, note, signal })
    const figures = { name: order.name, ...result?.figures }
    console.log(order.json ? JSON.stringify(figures) : JSON.stringify(figures, null, 2))
    return result?.holds ? 0 : 1
  } catch (error) {
    if (!signal.aborted) throw error
    return 130
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new Error(name)))
process.exitCode = await main(process.argv.slice(2), interrupted.signal)
