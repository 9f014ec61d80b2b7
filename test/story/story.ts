import { systemClock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import { readOrder, USAGE } from './order.ts'
import { exitOf } from './report.ts'
import { tell } from './tell.ts'

/** A story that takes longer hangs somewhere. */
const LIMIT_MS = 10 * 60_000

/*
 * npm run story [-- --json ...]: one integration after the other is enrolled and copied, then all of them go through every
 * phase and back to off in one flip, under the traffic of concurrent clients; then every secret is checked.
 */
async function main(argv: readonly string[], interrupted: AbortSignal): Promise<number> {
  const order = readOrder(argv)
  if (order === null) {
    console.error(USAGE)
    return 2
  }
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(LIMIT_MS)])
  try {
    const report = await tell(order, { clock: systemClock, note: (text) => console.error(text), signal })
    console.log(order.json ? JSON.stringify(report) : JSON.stringify(report, null, 2))
    return exitOf(report)
  } catch (error) {
    if (interrupted.aborted) return 130
    const code = isFault(error) ? error.code : 'story-failed'
    console.error(error)
    console.log(JSON.stringify({ error: { code, detail: error instanceof Error ? error.message : String(error) } }))
    return 1
  }
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new Error(name)))
process.exitCode = await main(process.argv.slice(2), interrupted.signal)
