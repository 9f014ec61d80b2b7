import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { processIo } from '../../bin/cli/io.ts'
import { CLI_PAGE, renderCliPage } from '../../bin/cli/page.ts'
import { makeProgram } from '../../bin/cli/program.ts'
import { makeRunner } from '../../bin/cli/session.ts'

test('docs/cli.md is what the command tree says; node bin/cli/page.ts writes it', () => {
  const program = makeProgram(makeRunner(processIo(new AbortController().signal)))
  assert.equal(readFileSync(CLI_PAGE, 'utf8'), renderCliPage(program))
})
