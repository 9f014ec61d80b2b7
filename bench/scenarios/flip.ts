import { defineScenario } from '../scenario.ts'
import { quantile, rounded } from '../statistics.ts'
import { type ReplicaSystem, startBus, startEnrolled } from './debtwrite-replicas.ts'
import { type FlipLoad, INTEGRATION, startFlipLoad } from './flip-load.ts'
import { operatorOf, REFRESH_MS, startFlagged, startFlagServer, type UnleashSystem } from './flip-systems.ts'

/*
 * How long a change of phase takes to reach everybody: from the call to the last request that was served under the old
 * phase, over three replicas under load. A rollback travels in its message; a flag is polled by each replica.
 */
const ROUNDS = 20
/** Rounds before, not measured; an even number, so that the flag is where it was. */
const WARM_UP = 2
/** Of each replica. */
const CONNECTIONS = 2
/** Answers of each replica in the new phase before a round counts as over. */
const SETTLED = 30
const GOALS = { rollback_p99_ms: 250, flag_p99_ms: 1300 } as const

/** From before the call to the last answer in the old phase, ms. */
async function timed(load: FlipLoad, call: () => Promise<unknown>, from: 'complete' | 'off', to: 'complete' | 'off') {
  const start = performance.now()
  await call()
  await load.settledIn(to, SETTLED)
  return (load.lastIn(from, start) ?? start) - start
}

export const flip = defineScenario({
  name: 'flip',
  about:
    'From a rollback, or the change of a flag, to the last request served under the old phase, over three replicas.',
  systems: {
    enrolled: startEnrolled,
    bus: startBus,
    unleash: startFlagServer,
    a: startFlagged('a'),
    b: startFlagged('b'),
    c: startFlagged('c'),
  },
  drive: async (systems, bench) => {
    const { ask } = systems.unleash as UnleashSystem
    const ops = operatorOf(bench, systems.a as ReplicaSystem)
    const load = startFlipLoad([systems.a, systems.b, systems.c], CONNECTIONS, bench.signal)
    await load.settledIn('complete', SETTLED)
    const rollbacks: number[] = []
    bench.note(`${ROUNDS} rollbacks`)
    for (let round = -WARM_UP; round < ROUNDS; round += 1) {
      const roll = () => ops.call('rollback', { body: { selector: INTEGRATION, to: 'off' } }, bench.signal)
      const ms = await timed(load, roll, 'complete', 'off')
      if (round >= 0) rollbacks.push(ms)
      await ops.call('lift', { body: { selector: INTEGRATION, force: true } }, bench.signal)
      await load.settledIn('complete', SETTLED)
    }
    const flags: number[] = []
    bench.note(`${ROUNDS} changes of the flag`)
    for (let round = -WARM_UP; round < ROUNDS; round += 1) {
      const [from, to] = round % 2 === 0 ? (['complete', 'off'] as const) : (['off', 'complete'] as const)
      const ms = await timed(load, () => ask(to), from, to)
      if (round >= 0) flags.push(ms)
    }
    const { requests, errors, lost, stale } = await load.end()
    const figures = {
      rollback_p50_ms: rounded(quantile(rollbacks, 0.5)),
      rollback_p99_ms: rounded(quantile(rollbacks, 0.99)),
      flag_p50_ms: rounded(quantile(flags, 0.5)),
      flag_p99_ms: rounded(quantile(flags, 0.99)),
      lost,
      stale,
      refresh_ms: REFRESH_MS,
      requests,
      errors,
      goals: GOALS,
    }
    return { holds: lost === 0 && stale === 0, figures }
  },
})
