import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { BOARDS } from '../../dashboards/boards/boards.ts'
import { needs } from '../support/parts.ts'
import { PROJECT } from '../support/project.ts'
import { RULES } from './rules.ts'

const parts = [needs('prometheus'), needs('redis-server'), needs('bao')]

test('a real Prometheus shows each planted fault on the panels and in the rules that are about it, and no panel is empty', {
  skip: parts.find(({ skip }) => skip !== false)?.skip ?? false,
}, () => {
  const args = ['test/dashboards/check/check.ts', '--seconds', '300', '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: PROJECT, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const panels = Object.values(BOARDS).flatMap(({ rows }) => rows.flatMap((row) => row.panels)).length
  const verdict = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  assert.deepEqual(verdict, { panels, empty: 0, rules: RULES.length, failed: 0 })
})
