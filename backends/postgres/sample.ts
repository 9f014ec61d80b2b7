import type { Call, StoreProblem } from '../store.ts'
import type { CheckedStore } from './check.ts'
import { constantOf, keyColumns } from './key.ts'
import type { Ready } from './ready.ts'
import { type ReadRow, readOutcome } from './rows.ts'
import { sampleStatement } from './scan-statements.ts'

const ROWS = 100

/** Reads some rows as they are served: of what does not decode the number and the first reason, never a value. */
export async function sampleProblems(
  { database, config, codec, looks }: CheckedStore,
  { mapping }: Ready,
  call: Call,
): Promise<readonly StoreProblem[]> {
  const answer = await database.ask<ReadRow>(sampleStatement(mapping), [ROWS], call)
  if (answer.kind === 'failed') {
    looks.heard(answer.failure)
    const { ofOne, reason } = answer.failure
    return [
      warning(
        ofOne === 'damaged'
          ? 'some of its rows cannot be read as text'
          : `no sample of its rows could be read: ${reason}`,
      ),
    ]
  }
  const columns = keyColumns(config)
  const integration = constantOf(config)
  const reasons = answer.rows.flatMap((row) => {
    const [lead = '', ...rest] = columns.map(({ alias }) => row[alias as 'k1'] ?? '')
    const place = mapping.key.placeOf(integration === null ? rest : [lead, ...rest])
    const outcome = readOutcome({ kind: 'one', row }, codec, { integration: integration ?? lead, ...place })
    return outcome.kind === 'unreadable' ? [outcome.reason] : []
  })
  if (reasons.length === 0) return []
  return [
    warning(
      `${reasons.length} of ${answer.rows.length} rows that were read cannot be decoded; the first is ${reasons[0]}`,
    ),
  ]
}

const warning = (message: string): StoreProblem => ({ level: 'warning', message })
