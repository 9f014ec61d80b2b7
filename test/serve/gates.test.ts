import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, systemClock } from '../../core/clock.ts'
import { makeFlagFile } from '../../flags/flag-file.ts'
import type { Phase } from '../../flags/phase.ts'
import { privateRedis } from '../ledger/private-redis.ts'
import { outcomeOf } from '../support/outcome-of.ts'
import { needs } from '../support/parts.ts'
import { INTEGRATION, ledgerServer, makeSystem, type Replica, until } from './replicas.ts'

const redis = needs('redis-server')
const ledger = ledgerServer()
const limits = { timeout: 120_000 }
const DAY = 86_400_000
const GATES = { shadow: { copied: '100%' }, live: { verified: '100%', stable_mismatches: 0, soak: '1d' } }

/** Real time, except that the calendar is the test's to turn. */
function calendar(): Clock & { turn(ms: number): void } {
  let turned = 0
  return {
    ...systemClock,
    wall: () => Date.now() + turned,
    turn: (ms) => {
      turned += ms
    },
  }
}

const runs = async ({ ops }: Replica): Promise<Phase> => {
  const { integrations } = await ops.call('status', { query: { selector: INTEGRATION } })
  return integrations[0]?.cohorts.find(({ cohort }) => cohort === 'general')?.effective ?? 'off'
}

const gate = async ({ ops }: Replica) => {
  const { gates } = await ops.call('gates', { query: { selector: INTEGRATION } })
  const found = gates.find(({ cohort }) => cohort === 'general')
  assert.ok(found)
  return found
}

const kinds = async ({ ops }: Replica, ...wanted: readonly string[]) => {
  const { events } = await ops.call('events', { query: { selector: INTEGRATION, since: '0', limit: 1000 } })
  return events.filter(({ kind }) => wanted.includes(kind))
}

/** Copies and verifies everything. */
async function migrate({ ops, application }: Replica): Promise<void> {
  const { worker } = application.engine.work
  worker.start()
  await ops.call('migrate', { body: { integration: INTEGRATION, execute: true, reason: 'test' } })
  assert.equal(await outcomeOf(ops, INTEGRATION), 'done')
  await worker.stop()
}

/** What both replicas' flags ask for; each has a file of its own. */
async function flip(replicas: readonly Replica[], phase: Phase): Promise<void> {
  for (const { application } of replicas) {
    const { flags } = application.engine.config
    assert.ok(flags.source === 'file')
    await makeFlagFile(flags.path).set([{ integration: INTEGRATION, phase }])
  }
  const asked = async ({ application }: Replica) =>
    application.engine.flags.outlook(INTEGRATION).every(({ requested }) => requested === phase)
  for (const replica of replicas) await until(replica, () => asked(replica))
}

test('two replicas are held by the same gate with its figures, and let through as one', {
  ...limits,
  skip: redis.skip,
}, async (t) => {
  const clock = calendar()
  const { url } = await privateRedis(t, redis.path)
  const system = await makeSystem(t, await ledger(), { redis: url, gates: GATES, clock })
  const a = await system.start('a', 'off')
  await migrate(a)
  const b = await system.start('b', 'off')
  const both = [a, b]

  await flip(both, 'live')
  for (const replica of both) await until(replica, async () => (await runs(replica)) === 'shadow')
  await until(b, async () => (await gate(b)).waits.length > 0)
  for (const replica of both) {
    const { waits, passed, requested } = await gate(replica)
    assert.deepEqual([passed, requested], ['shadow', 'live'])
    assert.match(waits.map(({ gate: phase, text }) => `${phase}: ${text}`).join(), /^live: soak .* of 1d in shadow/)
    const scrape = await (await fetch(`${replica.application.operators}/metrics`)).text()
    assert.equal(scrape.match(/^crossfade_gate_held\{.*phase="live"\} 1$/gm)?.length, 3, 'one a cohort')
  }
  const { steps, next } = await a.ops.call('explain', { params: { integration: INTEGRATION, customer: 'acme' } })
  assert.ok(steps.some(({ rule, because }) => rule === 'cap (gate)' && /live waits for soak/.test(because)))
  assert.ok(next.some((command) => command.startsWith(`crossfade gates force ${INTEGRATION} live --cohort general`)))

  clock.turn(DAY)
  for (const replica of both) await until(replica, async () => (await runs(replica)) === 'live')
  const moves = (await kinds(a, 'phase')).map(({ cohort, from, to }) => `${cohort ?? 'all'}: ${from} to ${to}`)
  // Whether somebody was seen at dualwrite before the first gate was asked is a matter of milliseconds.
  const seen = moves.length === 3 ? ['all: off to dualwrite', 'all: dualwrite to shadow'] : ['all: off to shadow']
  assert.deepEqual(moves, [...seen, 'all: shadow to live'], 'one event a fact, not one a replica')
  const released = (await kinds(a, 'gate-released')).map(({ from, to }) => [from, to])
  assert.deepEqual(released.at(-1), ['shadow', 'live'])
  await until(a, async () =>
    (await kinds(a, 'phase')).every(({ applied }) => applied?.replicas === 2 && applied.of === 2),
  )

  await flip(both, 'off')
  for (const replica of both) assert.equal(await runs(replica), 'off', 'the way back waits for nothing')
})

test('a restart neither falls below what was passed nor jumps a gate', limits, async (t) => {
  const clock = calendar()
  const system = await makeSystem(t, await ledger(), { redis: null, gates: GATES, clock })
  const first = await system.start('a', 'off')
  await migrate(first)
  await flip([first], 'live')
  await until(first, async () => (await runs(first)) === 'shadow')
  await first.stop()

  const second = await system.start('a', 'live')
  assert.equal(await runs(second), 'shadow')
  clock.turn(DAY)
  await until(second, async () => (await runs(second)) === 'live')
  await second.application.engine.parts.database.query(null, 'update crossfade.secret set verified_version = null', [])
  await second.application.engine.parts.database.query(null, 'delete from crossfade.checkpoint', [])
  await second.stop()

  const third = await system.start('a', 'live')
  assert.equal(await runs(third), 'live', 'the gate is closed again, and lowers nobody')
})

test('nothing is entered before the inventory, and a word of an operator is kept and told', limits, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null, gates: GATES })
  const a = await system.start('a', 'live')
  const { gates } = await a.ops.call('forceGate', { body: { selector: INTEGRATION, phase: 'live' } })
  assert.deepEqual(gates[0]?.waits[0]?.text, 'copied: no inventory was taken')
  await assert.rejects(a.ops.call('forceGate', { body: { selector: INTEGRATION, phase: 'live', execute: true } }), {
    code: 'reason-required',
  })
  const { stages } = a.application.engine.parts
  for (const state of ['enrolling', 'enrolled'] as const) await stages.transition(INTEGRATION, state)
  await until(a, async () => (await gate(a)).passed === 'dualwrite')

  const body = { selector: INTEGRATION, cohort: 'general', phase: 'live', execute: true, reason: 'drill' } as const
  await a.ops.call('forceGate', { body })
  assert.equal(await runs(a), 'live')
  const { forced } = await gate(a)
  assert.deepEqual([forced?.phase, forced?.by, forced?.reason], ['live', 'operator', 'drill'])
  const [event] = await kinds(a, 'gate-forced')
  assert.deepEqual(
    [event?.cohort, event?.from, event?.to, event?.by, event?.reason],
    ['general', 'dualwrite', 'live', 'operator', 'drill'],
  )
})

test(
  'finalize waits until every cohort has run complete for as long as is asked, without a break',
  limits,
  async (t) => {
    const clock = calendar()
    const system = await makeSystem(t, await ledger(), { redis: null, gates: { finalize: { soak: '7d' } }, clock })
    const a = await system.start('a', 'dualwrite')
    await migrate(a)
    const missing = async () => {
      const answer = await a.ops.call('finalize', {
        body: { integration: INTEGRATION, execute: false, reason: 'a look' },
      })
      assert.ok(answer.kind === 'plan')
      return answer.missing
    }
    const inComplete = async () =>
      (await a.application.engine.flags.soaking(INTEGRATION)).every(({ left }) => left < 7 * DAY)
    const unsaid = await missing()
    assert.ok(
      unsaid?.every((why) => !why.includes('soak')),
      String(unsaid),
    )
    await flip([a], 'complete')
    await until(a, inComplete)
    clock.turn(6 * DAY)
    assert.match(String(await missing()), /^the soak in complete is not over: .*general (1d|23h)/)
    await flip([a], 'dualwrite')
    await until(a, async () => !(await inComplete()))
    await flip([a], 'complete')
    await until(a, inComplete)
    clock.turn(6 * DAY)
    assert.match(
      String(await missing()),
      /^the soak in complete is not over: /,
      'what was before the break does not count',
    )
    clock.turn(DAY)
    assert.deepEqual(await missing(), [])
  },
)
