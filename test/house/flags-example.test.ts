import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../bin/config/load.ts'
import { readFlagsFile } from '../../bin/flags/flags-file.ts'
import { selectables } from '../../bin/flags/open.ts'
import { readFlagsSchema, renderFlagsSchema } from '../../bin/flags/schema-file.ts'
import { writeLadder } from '../../flags/ladder.ts'
import { lintFlag } from '../../flags/lint.ts'
import { PROJECT } from '../support/project.ts'

test('flags.schema.json is that of the code; npm run docs writes it', () => {
  assert.deepEqual(readFlagsSchema().split('\n'), renderFlagsSchema().split('\n'))
})

test('flags.example.yaml is valid with crossfade.example.yaml, and lint finds nothing in its ladders', () => {
  const config = loadConfig(join(PROJECT, 'crossfade.example.yaml'), {})
  const cohorts = config.cohorts.map(({ name }) => name)
  const surroundings = { integrations: selectables(config), cohorts }
  const { wanted, left } = readFlagsFile(join(PROJECT, 'flags.example.yaml'), surroundings, {})
  assert.deepEqual([wanted.map(({ integration }) => integration), left], [['aws', 'github'], []])
  for (const { ladder } of wanted) {
    assert.deepEqual(lintFlag(writeLadder(ladder), { segments: new Map(), cohorts }), [])
  }
})
