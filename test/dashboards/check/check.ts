import { parseArgs } from 'node:util'
import { systemClock } from '../../../core/clock.ts'
import { findPart } from '../../support/parts.ts'
import { judge, type Verdict } from './judge.ts'
import { plant, prepare } from './plant.ts'
import { withPrometheus } from './prometheus.ts'
import { withSystem } from './system.ts'
import { startTraffic } from './traffic.ts'

/*
 * npm run dashboards:check [-- --seconds S] [--json]: a real Prometheus scrapes a real Crossfade of two machines, in which one
 * mismatch, one stall, one hold, one trip of the guard and one rollback were planted. Asks it every panel of every board and every
 * rule, until all have shown what they should, or for S seconds (120). The last line is the verdict; exit 1: something is empty or
 * wrong.
 */

const USAGE = 'npm run dashboards:check -- [--seconds S] [--json]'
const PAUSE_MS = 1000

const note = (text: string): void => console.error(text)

interface Programs {
  readonly prometheus: string
  readonly redis: string
}

/** Ends at the first verdict without fault, or with the last one. */
async function check({ prometheus: program, redis }: Programs, signal: AbortSignal): Promise<Verdict | null> {
  let verdict: Verdict | null = null
  await withSystem(redis, signal, async (system) => {
    note('copying')
    await prepare(system)
    const targets = [system.application.operators, system.machine.operators]
    await withPrometheus(program, targets, signal, async (prometheus) => {
      await system.until('a scrape', async () => (await prometheus.query('up == 1')).length === targets.length)
      const traffic = startTraffic(system)
      // Else it would find everything well, whatever is shown.
      const before = await judge(prometheus, new Set())
      if (before.failed.length === 0) throw new Error('nothing was planted yet, and nothing is missed')
      note(`planting; without it ${before.failed.length} fail`)
      await plant(system)
      const seen = new Set<string>()
      do {
        verdict = await judge(prometheus, seen)
        if (isGood(verdict)) break
        await systemClock.sleep(PAUSE_MS)
      } while (!signal.aborted)
      await traffic.stop()
    })
  })
  return verdict
}

const isGood = ({ empty, failed }: Verdict): boolean => empty.length === 0 && failed.length === 0

async function main(argv: readonly string[], interrupted: AbortSignal): Promise<number> {
  const options = { seconds: { type: 'string', default: '120' }, json: { type: 'boolean', default: false } } as const
  const { values } = parseArgs({ args: [...argv], options, strict: false })
  const seconds = Number(values.seconds)
  const [prometheus, redis, bao] = [findPart('prometheus'), findPart('redis-server'), findPart('bao')]
  if (prometheus === null || redis === null || bao === null) {
    note('prometheus, redis-server and bao are needed: npm run parts -- prometheus redis-server bao')
    return 2
  }
  if (!(seconds > 0)) {
    note(USAGE)
    return 2
  }
  const verdict = await check(
    { prometheus, redis },
    AbortSignal.any([interrupted, AbortSignal.timeout(seconds * 1000)]),
  )
  if (verdict === null || interrupted.aborted) return interrupted.aborted ? 130 : 1
  for (const name of verdict.empty) note(`empty: ${name}`)
  for (const what of verdict.failed) note(`failed: ${what}`)
  const { panels, empty, rules, failed } = verdict
  const last = { panels, empty: empty.length, rules, failed: failed.length }
  console.log(values.json ? JSON.stringify(last) : JSON.stringify(last, null, 2))
  return isGood(verdict) ? 0 : 1
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new Error(name)))
process.exitCode = await main(process.argv.slice(2), interrupted.signal)
