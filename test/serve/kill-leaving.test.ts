import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LeaveKind, LeaveStage } from '../../migrator/stages.ts'
import { enrolAll, get, INTEGRATION, ledgerServer, put } from './replicas.ts'
import { endOfRun, withWorkers } from './with-workers.ts'

const ledger = ledgerServer()

interface Way {
  readonly kind: LeaveKind
  readonly phase: 'complete' | 'off'
  readonly side: 'new' | 'legacy'
  readonly event: 'finalized' | 'abandoned'
  readonly state: 'finalized' | 'bare'
  /** In which the worker is killed; abandon proves by the ledger alone, in which nothing can hold it. */
  readonly stages: readonly LeaveStage[]
}

const WAYS: readonly Way[] = [
  {
    kind: 'finalize',
    phase: 'complete',
    side: 'new',
    event: 'finalized',
    state: 'finalized',
    stages: ['prove', 'drain', 'switch', 'drop'],
  },
  {
    kind: 'abandon',
    phase: 'off',
    side: 'legacy',
    event: 'abandoned',
    state: 'bare',
    stages: ['drain', 'switch', 'drop'],
  },
]

/** What a worker that died in a stage had reached: the integration's state, as the ledger has it. */
const REACHED = { drain: /^(finalizing|abandoning)$/, switch: /^(new|legacy)-only$/, drop: /^(new|legacy)-only$/ }

for (const { kind, phase, side, event, state, stages } of WAYS) {
  test(`SIGKILL of the worker that has ${kind}, in ${stages.join(', ')}: another goes on, and ${side} alone answers every value`, {
    timeout: 120_000,
  }, async (t) => {
    const under = await withWorkers(t, await ledger(), phase)
    const { system, start, stop, ask, kill, hold, holderIn, ledgerSection, newStore } = under
    const first = await system.start('first', phase)
    await enrolAll(first)
    // In complete only new holds it, so that the proof has to look there.
    await put(first, 'written', 'in the last phase')
    await first.stop()
    let [{ ops }] = await Promise.all([start('w1'), start('w2')])
    await ops.call('migrate', { body: { integration: INTEGRATION, execute: true, reason: 'test' } })
    const copied = await endOfRun(ops)
    assert.equal(copied?.outcome, 'done', copied?.message ?? 'no run')
    const all = copied?.counts?.discovered ?? 0

    // A replica that has heard of nothing holds up drain and switch; readers of the locked tables are not held up.
    await ask(`insert into crossfade.replica (id, name, until) values ('deaf', 'deaf', now() - interval '1 second')`)
    const hears = (): Promise<unknown> =>
      ask(
        `update crossfade.replica set applied = (select jsonb_build_object(name, epoch) from crossfade.integration where name = $1)
         where id = 'deaf'`,
        [INTEGRATION],
      )
    const holds: Record<LeaveStage, () => Promise<() => Promise<unknown>>> = {
      prove: () => hold(newStore, 'sealed.version', 'access exclusive'),
      drain: async () => hears,
      switch: async () => hears,
      drop: () => hold(ledgerSection, 'crossfade.secret', 'exclusive'),
    }
    let release = await holds[stages[0] as LeaveStage]()
    await ops.call(kind, { body: { integration: INTEGRATION, execute: true, reason: 'test' } })
    for (const [i, stage] of stages.entries()) {
      if (stage !== 'prove') {
        // Not before there is something to hear: what is heard too early holds nobody up.
        const reached = async () =>
          (await ask('select state from crossfade.integration where name = $1', [INTEGRATION]))[0]
        while (!REACHED[stage].test(String((await reached())?.['state'])));
      }
      await kill(await holderIn(stage))
      const next = stages[i + 1]
      const releaseNext = next === undefined ? release : await holds[next]()
      ops = (await start(`w${i + 3}`)).ops
      await release()
      release = releaseNext
    }
    const run = await endOfRun(ops)
    assert.equal(run?.outcome, 'done', run?.message ?? 'no run')
    const { secrets, from, to, reason } = (run?.report ?? {}) as Record<string, unknown>
    assert.deepEqual([secrets, from, to, reason], [all, `${side}-only`, state, 'test'])

    await stop()
    await ask(`delete from crossfade.replica where id = 'deaf'`)
    const rows = await ask(
      `select (select count(*)::int from crossfade.secret) as secrets, (select count(*)::int from crossfade.checkpoint) as places,
        (select state from crossfade.integration where name = $1) as state,
        array(select kind from crossfade.event where integration = $1 and kind = $2) as reports`,
      [INTEGRATION, event],
    )
    assert.deepEqual(rows, [{ secrets: 0, places: 0, state, reports: [event] }])
    const last = await system.start('last', phase)
    const { value: written, by } = await get(last, 'written')
    assert.deepEqual([written, by], ['in the last phase', side])
    for (let n = 1; n <= 20; n += 1) {
      const found = await get(last, `key-${n}`)
      assert.deepEqual([found.value, found.by], [`value ${n}`, side])
    }
  })
}
