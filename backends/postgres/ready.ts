import type { FailedAnswer, Statement } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Call } from '../store.ts'
import { isFenced } from './capabilities.ts'
import type { PostgresConfig } from './config.ts'
import { makeKey } from './key.ts'
import {
  type Effect,
  type Mapping,
  type ReadStatements,
  readStatements,
  type ScanStatements,
  scanStatements,
  type Width,
  type WriteKind,
  writeStatement,
} from './statements.ts'
import { DESCRIBE, type DescribeRow, factsOf, mappedColumns, quotedTable } from './table.ts'

/** A mapping and the statements that are made from it and the table's columns. */
export interface Ready {
  readonly kind: 'ready'
  readonly mapping: Mapping
  readonly reads: ReadStatements
  readonly scans: ScanStatements
  readonly writes: (effect: Effect, kinds: readonly WriteKind[], width: Width) => Statement
}
export type Prepare = (call: Call) => Promise<Ready | FailedAnswer>

const UNUSABLE: FailedAnswer = { kind: 'failed', failure: { certain: true, reason: 'rejected', passing: false } }

/** Looks the table up at the first call and keeps the answer; a failure is forgotten, so the next call tries again. */
export function preparing(
  config: PostgresConfig,
  database: Database,
): { readonly prepare: Prepare; readonly known: () => Ready | null } {
  let ready: Ready | null = null
  const prepare: Prepare = async (call) => {
    if (ready) return ready
    const answer = await database.ask<DescribeRow>(DESCRIBE, [quotedTable(config)], call)
    if (answer.kind === 'failed') return answer
    const facts = factsOf(answer.rows[0])
    const names = new Set<string | undefined>(facts?.columns.map((column) => column.name))
    if (!facts || !mappedColumns(config).every((column) => names.has(column))) return UNUSABLE
    const mapping: Mapping = { config, facts, key: makeKey(config, facts.columns), fenced: isFenced(config) }
    ready = {
      kind: 'ready',
      mapping,
      reads: readStatements(mapping),
      scans: scanStatements(mapping),
      writes: writeStatements(mapping),
    }
    return ready
  }
  return { prepare, known: () => ready }
}

/** Each text is made once: there are few combinations of effect and conditions. */
function writeStatements(mapping: Mapping): Ready['writes'] {
  const made = new Map<string, Statement>()
  return (effect, kinds, width) => {
    const key = `${effect} ${kinds.join(' ')} ${width}`
    const statement = made.get(key) ?? writeStatement(mapping, effect, kinds, width)
    made.set(key, statement)
    return statement
  }
}
