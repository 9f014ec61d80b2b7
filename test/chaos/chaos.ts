import { systemClock } from '../../core/clock.ts'
import { readOrder, USAGE } from './order.ts'
import { exitOf } from './report.ts'
import { run } from './run.ts'

/*
 * npm run chaos [-- --replicas 3 --ops 20000 --seed S --json]: real proxies, stores, ledger and Redis; concurrent clients;
 * processes killed, stopped and restarted, stores that hang, refuse, answer late or are cut off; flags flipped at random.
 * Then everything that clients did and saw is judged. Exit 3: an invariant is broken; 1: the run was not hard enough.
 */
async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const order = readOrder(argv)
  if (order === null) {
    console.error(USAGE)
    return 2
  }
  try {
    const report = await run(order, { clock: systemClock, note: (text) => console.error(text), signal })
    console.log(order.json ? JSON.stringify(report) : JSON.stringify(report, null, 2))
    return exitOf(report)
  } catch (error) {
    if (signal.aborted) return 130
    console.error(error)
    const detail = error instanceof Error ? error.message : String(error)
    console.log(JSON.stringify({ error: { code: 'chaos-failed', detail } }))
    return 1
  }
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new Error(name)))
process.exitCode = await main(process.argv.slice(2), interrupted.signal)
