import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACCESS_FAULTS } from '../../access/faults.ts'
import { EXITS, type Exit, exitOfFault } from '../../bin/cli/exit-codes.ts'
import { CLI_FAULTS } from '../../bin/cli/faults.ts'
import { CONFIG_FAULTS } from '../../bin/config/faults.ts'
import { SERVE_FAULTS } from '../../bin/serve/faults.ts'
import { Fault, type FaultTable } from '../../core/fault.ts'
import { FLAGS_FAULTS } from '../../flags/faults.ts'
import { LEDGER_FAULTS } from '../../ledger/faults.ts'
import { MIGRATOR_FAULTS } from '../../migrator/faults.ts'
import { HTTP_FAULTS } from '../../proxy/http/faults.ts'

const exitOf = (table: FaultTable, code: string): Exit => {
  const row = table[code]
  assert.ok(row, code)
  return exitOfFault(new Fault(code, row, ''))
}

/** By which refusal each way to end is met; the others are how a run or a comparison ended, in test/bin/verbs.test.ts and others. */
const MET: Partial<Readonly<Record<Exit, readonly (readonly [FaultTable, string])[]>>> = {
  error: [[CLI_FAULTS, 'unexpected-failure']],
  usage: [
    [CLI_FAULTS, 'usage'],
    [CONFIG_FAULTS, 'config-invalid'],
    [HTTP_FAULTS, 'reason-required'],
    [HTTP_FAULTS, 'parameter-refused'],
    [CLI_FAULTS, 'flags-document-invalid'],
  ],
  refused: [
    [MIGRATOR_FAULTS, 'proof-missing'],
    [LEDGER_FAULTS, 'stage-refused'],
    [FLAGS_FAULTS, 'lift-refused'],
    [SERVE_FAULTS, 'replica-alive'],
  ],
  unavailable: [
    [LEDGER_FAULTS, 'ledger-unavailable'],
    [CLI_FAULTS, 'server-unreachable'],
    [SERVE_FAULTS, 'keys-unavailable'],
  ],
  denied: [
    [ACCESS_FAULTS, 'unauthenticated'],
    [ACCESS_FAULTS, 'forbidden'],
  ],
  locked: [[MIGRATOR_FAULTS, 'run-active']],
}

for (const [exit, faults] of Object.entries(MET)) {
  test(`exit ${EXITS[exit as Exit].code} is met: ${EXITS[exit as Exit].when}`, () => {
    for (const [table, code] of faults) assert.equal(exitOf(table, code), exit, code)
  })
}

test('every way to end has a code of its own', () => {
  const codes = Object.values(EXITS).map(({ code }) => code)
  assert.equal(new Set(codes).size, codes.length)
})
