import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { needsBao, PAIR_NAMES } from '../pairs/pair.ts'
import { needs } from '../support/parts.ts'
import { PROJECT } from '../support/project.ts'
import { type Order, readOrder } from './order.ts'
import { exitOf, type PhaseReport, type Report } from './report.ts'
import { STAGES } from './stages.ts'

const bao = needs('bao')

const SMALL = ['--secrets', '200', '--writes', '25', '--deletes', '5']

/** The program as `npm run story` runs it. */
async function runStory(...argv: readonly string[]): Promise<{ exit: number | null; report: Report; said: string }> {
  const child = spawn(process.execPath, [join(PROJECT, 'test/story/story.ts'), '--json', ...SMALL, ...argv])
  const [stdout, said] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  return { exit: child.exitCode, report: JSON.parse(last || '{}') as Report, said: `${last}\n${said}` }
}

for (const pair of PAIR_NAMES) {
  const skip = needsBao(pair) && bao.skip
  test(`through every phase and back in one flip, nothing is lost, stale or brought back: ${pair}`, {
    skip,
  }, async () => {
    const { exit, report, said } = await runStory('--pair', pair)
    assert.equal(exit, 0, said)
    assertWhole(report)
  })
}

function assertWhole(report: Report): void {
  assert.deepEqual([report.secrets, report.wrong, report.resurrected, report.etags_changed], [200, 0, 0, 0])
  assert.deepEqual(report.refused, {})
  assert.deepEqual(
    report.phases.map(({ phase }) => phase),
    ['off', 'off', 'dualwrite', 'shadow', 'live', 'rampdown', 'complete', 'off'],
  )
  for (const { stage, writes, deletes } of report.phases) assert.ok(writes >= 25 && deletes >= 5, stage)
  const stageOf = Object.fromEntries(report.phases.map((phase) => [phase.stage, phase]))
  for (const stage of ['not enrolled', 'migrate', 'dualwrite', 'shadow'])
    assert.equal(stageOf[stage]?.served_by.new, 0, stage)
  // On a slow machine a second put may miss its deadline: that secret is read from legacy until it is settled, and says so.
  for (const stage of ['live', 'rampdown', 'complete']) {
    const { served_by, against_phase } = stageOf[stage] as PhaseReport
    assert.equal(served_by.legacy, against_phase.debt + against_phase.error, stage)
    assert.ok(served_by.new > served_by.legacy, stage)
  }
}

test('five rows that were changed behind its back are five findings, each by its name', async () => {
  const { exit, report, said } = await runStory('--sabotage', '5', '--seed', 'sabotage')
  assert.equal(exit, 3, said)
  assert.deepEqual([report.wrong, report.resurrected, report.etags_changed], [5, 0, 0])
  const names = new Set(report.wrong_addresses.map((a) => `${a.integration} ${a.customer} ${a.name}`))
  assert.equal(names.size, 5)
  for (const { found, where } of report.wrong_addresses) {
    assert.equal(found, 'altered')
    assert.deepEqual(where, ['proxy', 'legacy'])
  }
})

test('the story tells every phase in its order, and returns to off in one flip', () => {
  const flips = STAGES.filter(({ opens }) => opens === 'flip').map(({ phase }) => phase)
  assert.deepEqual(flips, ['dualwrite', 'shadow', 'live', 'rampdown', 'complete', 'off'])
})

test('its exit code says whether secrets are wrong, or something else is', () => {
  const right: Report = {
    ...{ secrets: 1, reads: 1, writes: 1, deletes: 1, wrong: 0, resurrected: 0, phases: [], etags_changed: 0 },
    ...{ wrong_addresses: [], refused: {}, seconds: 1 },
  }
  assert.equal(exitOf(right), 0)
  assert.equal(exitOf({ ...right, wrong: 1 }), 3)
  assert.equal(exitOf({ ...right, resurrected: 1 }), 3)
  assert.equal(exitOf({ ...right, etags_changed: 1 }), 1)
  assert.equal(exitOf({ ...right, refused: { 'store-unavailable': 1 } }), 1)
  const live = (unexplained: number): PhaseReport => ({
    ...{ phase: 'live', stage: 'live', reads: 3, writes: 0, deletes: 0, other_phase: 0 },
    served_by: { legacy: 1, new: 2 },
    against_phase: { debt: 1, error: 0, unexplained },
  })
  assert.equal(exitOf({ ...right, phases: [live(0)] }), 0)
  assert.equal(exitOf({ ...right, phases: [live(1)] }), 1)
})

test('a command line that is not one is refused; left out, numbers are those of the full story', () => {
  const counts = { secrets: 3000, writes: 300, deletes: 30, clients: 8, sabotage: 0 }
  const full: Order = { json: false, seed: 'story', pair: 'postgres:sealed', ...counts }
  assert.deepEqual(readOrder([]), full)
  for (const wrong of [
    ['--secrets', 'x'],
    ['--clients', '0'],
    ['--sabotage', '-1'],
    ['--pair', 'x:y'],
    ['--nothing'],
    ['word'],
  ]) {
    assert.equal(readOrder(wrong), null, wrong.join(' '))
  }
})
