import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { needs } from '../support/parts.ts'
import { PROJECT } from '../support/project.ts'
import { RULE_FILES, RULES_FOLDER } from './rules.ts'

const prometheus = needs('promtool')

const promtool = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(prometheus.path, [...args], {
    cwd: join(PROJECT, RULES_FOLDER),
    encoding: 'utf8',
  })
  return { status, said: stdout + stderr }
}

test('promtool finds nothing wrong with the rules', { skip: prometheus.skip }, () => {
  const { status, said } = promtool('check', 'rules', ...RULE_FILES)
  assert.equal(status, 0, said)
})

test('each alert fires on what it is about, and not on what is none of its business', { skip: prometheus.skip }, () => {
  const { status, said } = promtool('test', 'rules', 'alerts.test.yaml')
  assert.equal(status, 0, said)
})

test('the configuration that docs/provisioning gives Prometheus is one, and finds the rules', {
  skip: prometheus.skip,
}, () => {
  const { status, said } = promtool('check', 'config', join(PROJECT, 'docs/provisioning/prometheus.yml'))
  assert.equal(status, 0, said)
  for (const file of RULE_FILES) assert.ok(said.includes(file), said)
})
