import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { needsBao, PAIR_NAMES } from '../pairs/pair.ts'
import { needs } from '../support/parts.ts'
import { PROJECT } from '../support/project.ts'
import { MUTANT_NAMES } from './mutants.ts'

const redis = needs('redis-server')
const bao = needs('bao')

/** The last line of output; rejects with all of it if the command fails. */
async function chaos(...args: readonly string[]) {
  const command = [join(PROJECT, 'test', 'chaos', 'chaos.ts'), '--json', ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

for (const pair of PAIR_NAMES) {
  const skip = redis.skip || (needsBao(pair) && bao.skip)
  test(`three replicas keep every promise while processes, stores, ledger and bus fail: ${pair}`, {
    skip,
  }, async () => {
    const report = await chaos('--short', '--replicas', '3', '--pair', pair)
    const { lost, stale, resurrected, debts_left, sides_equal, hard } = report
    assert.deepEqual(
      { lost, stale, resurrected, debts_left, sides_equal, hard },
      { lost: 0, stale: 0, resurrected: 0, debts_left: 0, sides_equal: true, hard: true },
    )
  })
}

for (const name of MUTANT_NAMES) {
  test(`processes that lack a rule are found out: ${name}`, { skip: redis.skip }, async () => {
    const { breaks } = await chaos('--ops', '6000', '--replicas', '3', '--break', name)
    assert.deepEqual(
      breaks.map(({ found }: { found: boolean }) => found),
      [true],
    )
  })
}
