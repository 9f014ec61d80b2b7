import { join } from 'node:path'
import { systemClock } from '../../core/clock.ts'
import { PROJECT } from '../support/project.ts'
import { isMutantName, MUTANT_NAMES } from './mutants.ts'
import { type Order, readOrder, USAGE } from './order.ts'
import { exitOf, isBroken, type Report } from './report.ts'
import { run } from './run.ts'

/*
 * npm run chaos [-- --replicas 3 --ops 20000 --seed S --json]: real proxies, stores, ledger and Redis; concurrent clients;
 * processes killed, stopped and restarted, stores that hang, refuse, answer late or are cut off; flags flipped at random.
 * Then everything that clients did and saw is judged. Exit 3: an invariant is broken; 1: the run was not hard enough.
 *
 * With --break NAME, or all: each run is of processes that lack one rule of the protocol, and must find that.
 */
async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const order = readOrder(argv)
  if (order === null) {
    console.error(USAGE)
    return 2
  }
  try {
    return order.breaks === null ? await once(order, signal) : await breakAll(order, order.breaks, signal)
  } catch (error) {
    if (signal.aborted) return 130
    console.error(error)
    const detail = error instanceof Error ? error.message : String(error)
    console.log(JSON.stringify({ error: { code: 'chaos-failed', detail } }))
    return 1
  }
}

const note = (text: string): void => console.error(text)

async function once(order: Order, signal: AbortSignal): Promise<number> {
  const report = await run(order, { clock: systemClock, note, signal })
  print(order, report)
  return exitOf(report)
}

async function breakAll(order: Order, which: string, signal: AbortSignal): Promise<number> {
  const breaks: { name: string; found: boolean; report: Report }[] = []
  for (const name of which === 'all' ? MUTANT_NAMES : [which]) {
    if (!isMutantName(name)) throw new Error(`no such mutant: ${name}; there are ${MUTANT_NAMES.join(', ')}`)
    note(`without a rule: ${name}`)
    const program = [join(PROJECT, 'test', 'chaos', 'mutant-serve.ts'), name, 'serve']
    const report = await run(order, { clock: systemClock, note, signal, program })
    breaks.push({ name, found: isBroken(report), report })
  }
  print(order, { breaks })
  return breaks.every(({ found }) => found) ? 0 : 3
}

const print = ({ json }: Order, result: unknown): void =>
  console.log(json ? JSON.stringify(result) : JSON.stringify(result, null, 2))

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new Error(name)))
// Not by process.exitCode: Node 24.21 was seen to spin in its own cleanup for ever after sockets had been reset.
process.exit(await main(process.argv.slice(2), interrupted.signal))
