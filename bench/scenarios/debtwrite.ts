import { setTimeout as delay } from 'node:timers/promises'
import { makeReplicas, type Replicas } from '../../ledger/postgres/replicas.ts'
import { pathOf } from '../../proxy/http/path.ts'
import { closedLoop, type Shot } from '../load.ts'
import { type Bench, defineScenario, type System } from '../scenario.ts'
import { quantile, rounded } from '../statistics.ts'
import {
  CUSTOMER,
  type Integration,
  LEASE_MS,
  nameOf,
  openLedgerDatabase,
  PHASE_OF,
  type ReplicaSystem,
  SECRETS,
  startBus,
  startEnrolled,
  startReplica,
} from './debtwrite-replicas.ts'
import { stallsOf, type Timed } from './debtwrite-stalls.ts'

/*
 * Every write here leaves a debt that nobody knows of yet: the dearest kind there is. Two replicas are written to; the
 * third only has to acknowledge, until it is stopped midway and says nothing any more. Its lease is then taken away, so
 * the others may wait for one lease, once.
 */

const CONNECTIONS = 8
const REPLICAS = 3
/** On top of the lease: a write notices the silence, asks the ledger, and the machine is busy. */
const SLACK_MS = 1500

type Systems = Readonly<Record<'a' | 'b', System>> & { readonly c: System }

const WARM_UP = { ms: 1500, from: SECRETS / 2 } as const

/** Writes through two replicas, to each secret from `from` on once; resolves with each write's instants. */
const load = async ({ a, b }: Systems, integration: Integration, ms: number, from: number) => {
  let next = from
  const writes: Timed[] = []
  const shots =
    ({ headers }: System) =>
    (): Shot => ({
      method: 'PUT',
      path: pathOf({ integration, customer: CUSTOMER, name: nameOf(next++) }),
      headers: { ...headers, 'content-type': 'text/plain' },
      body: Buffer.from(`value ${next}`),
    })
  const onAnswer = (sent: number, answered: number): void => void writes.push({ sent, answered })
  const through = (system: System) =>
    closedLoop({ url: system.url, connections: CONNECTIONS / 2, ms, next: shots(system), onAnswer })
  const slices = await Promise.all([through(a), through(b)])
  return { writes, failures: slices.reduce((sum, { failures }) => sum + failures, 0) }
}

const allLive = async (replicas: Replicas, signal: AbortSignal): Promise<void> => {
  while ((await replicas.live()).filter(({ revoked }) => revoked !== true).length < REPLICAS)
    await delay(100, undefined, { signal })
}

/** A bench of another phase would look fine. */
const assertPhase = async ({ url, headers }: System, integration: Integration, signal: AbortSignal): Promise<void> => {
  const address = { integration, customer: CUSTOMER, name: 'probe' }
  const answer = await fetch(url + pathOf(address), { method: 'PUT', headers: { ...headers }, body: 'value', signal })
  const phase = answer.headers.get('crossfade-phase')
  if (!answer.ok || phase !== PHASE_OF[integration]) throw new Error(`${integration}: ${answer.status}, phase ${phase}`)
}

const measure = async (systems: Systems, integration: Integration, bench: Bench) => {
  const ms = (bench.seconds * 1000) / 2
  const { pid } = systems.c as ReplicaSystem
  bench.note(`${PHASE_OF[integration]}: ${ms} ms through two of ${REPLICAS} replicas, the third stopped midway`)
  for (const replica of Object.values(systems)) await assertPhase(replica, integration, bench.signal)
  await load(systems, integration, WARM_UP.ms, WARM_UP.from)
  const start = performance.now()
  const loaded = load(systems, integration, ms, 0)
  await delay(ms / 2, undefined, { signal: bench.signal })
  const stopped = performance.now()
  process.kill(pid, 'SIGSTOP')
  const { writes, failures } = await loaded.finally(() => process.kill(pid, 'SIGCONT'))
  const latencies = writes.map(({ sent, answered }) => answered - sent)
  const seconds = (performance.now() - start) / 1000
  const stalls = stallsOf(writes)
  const before = latencies.filter((_, i) => (writes[i] as Timed).answered < stopped)
  return {
    stalls,
    failures,
    figures: {
      p50_ms: rounded(quantile(latencies, 0.5)),
      p99_ms: rounded(quantile(latencies, 0.99)),
      per_s: rounded(writes.length / seconds),
      before_stop: { p50_ms: rounded(quantile(before, 0.5)), p99_ms: rounded(quantile(before, 0.99)) },
      longest_stall_ms: Math.round(Math.max(0, ...stalls.map(({ sent, answered }) => answered - sent))),
      stalls: stalls.length,
      failures,
    },
  }
}

export const debtwrite = defineScenario({
  name: 'debtwrite',
  about: 'Writes that leave a debt, over three replicas, one of which is stopped midway.',
  systems: {
    enrolled: startEnrolled,
    bus: startBus,
    a: startReplica('a'),
    b: startReplica('b'),
    c: startReplica('c'),
  },
  drive: async (systems, bench) => {
    const three = { a: systems.a, b: systems.b, c: systems.c }
    const database = openLedgerDatabase(systems.enrolled.url)
    const replicas = makeReplicas(database, async () => [])
    try {
      await allLive(replicas, bench.signal)
      const off = await measure(three, 'aws', bench)
      await allLive(replicas, bench.signal)
      const complete = await measure(three, 'github', bench)
      const all = [off, complete]
      const bounded = all.every(
        ({ stalls, figures }) => stalls.length <= 1 && figures.longest_stall_ms <= LEASE_MS + SLACK_MS,
      )
      return {
        holds: bounded && all.every(({ failures }) => failures === 0),
        figures: {
          off: off.figures,
          complete: complete.figures,
          lease_ms: LEASE_MS,
          stalls: off.stalls.length + complete.stalls.length,
        },
      }
    } finally {
      await database.close()
    }
  },
})
