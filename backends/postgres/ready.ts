import type { Clock } from '../../core/clock.ts'
import type { Failure } from '../failure.ts'
import type { FailedAnswer, Statement } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Call } from '../store.ts'
import { isFenced } from './capabilities.ts'
import { type Charset, charsetOf } from './charset.ts'
import type { PostgresConfig } from './config.ts'
import { KEY_TYPES, keyColumns, makeKey } from './key.ts'
import { type ScanStatements, scanStatements, unaddressableStatement } from './scan-statements.ts'
import {
  type Effect,
  type Mapping,
  type ReadStatements,
  readStatements,
  type Width,
  type WriteKind,
  writeStatement,
} from './statements.ts'
import { DESCRIBE, type DescribeRow, factsOf, mappedColumns, quotedTable, type TableFacts } from './table.ts'

/** A mapping and the statements that are made from it and the table's columns. */
export interface Ready {
  readonly kind: 'ready'
  readonly mapping: Mapping
  readonly isHeld: Charset
  readonly reads: ReadStatements
  readonly scans: ScanStatements
  readonly unaddressable: Statement | null
  readonly writes: (effect: Effect, kinds: readonly WriteKind[], width: Width) => Statement
}
export type Prepare = (call: Call) => Promise<Ready | FailedAnswer>

export interface Preparing {
  readonly prepare: Prepare
  /** The table as it is now, for what the last look says cannot be; at most once in a second. */
  readonly anew: Prepare
  /** What the catalogue says now; null: there is no such table. */
  readonly lookUp: (
    call: Call,
  ) => Promise<{ readonly kind: 'looked'; readonly facts: TableFacts | null } | FailedAnswer>
  readonly known: () => Ready | null
  /** Told of each failure of a statement: one of the schema makes the next call look the table up. */
  readonly heard: (failure: Failure) => void
}

const UNUSABLE: FailedAnswer = { kind: 'failed', failure: { certain: true, reason: 'rejected', passing: false } }

/** Somebody may alter the table at any time: a column that is widened takes values that its old type had not. */
const LOOK_AGAIN_MS = 60_000
const LOOK_AT_MOST_MS = 1_000

interface Look {
  readonly ready: Ready
  readonly facts: string
  readonly at: number
}

/**
 * Looks the table up at the first call, now and then, and after a failure that says that it has changed. A failure to look is
 * forgotten, so the next call tries again.
 */
export function preparing(config: PostgresConfig, database: Database, clock: Pick<Clock, 'monotonic'>): Preparing {
  let last: Look | null = null
  let generation = 0
  let isStale = false
  let isLooking = false

  const lookUp: Preparing['lookUp'] = async (call) => {
    const answer = await database.ask<DescribeRow>(DESCRIBE, [quotedTable(config)], call)
    if (answer.kind === 'failed') return answer
    const facts = factsOf(answer.rows[0])
    keep(facts)
    return { kind: 'looked', facts }
  }
  const keep = (facts: TableFacts | null): void => {
    const names = new Set<string | undefined>(facts?.columns.map((column) => column.name))
    isStale = false
    if (!facts || !mappedColumns(config).every((column) => names.has(column)) || !hasKnownKey(config, facts)) {
      last = null
      return
    }
    const text = JSON.stringify(facts)
    // A statement is known to a connection by its name, so that another text needs another name.
    const ready = last?.facts === text ? last.ready : makeReady(config, facts, generation++)
    last = { ready, facts: text, at: clock.monotonic() }
  }
  const look: Prepare = async (call) => {
    const looked = await lookUp(call)
    return looked.kind === 'failed' ? looked : (last?.ready ?? UNUSABLE)
  }
  const age = (): number => (last === null ? Number.POSITIVE_INFINITY : clock.monotonic() - last.at)
  /** Nobody waits for it: what is known serves on meanwhile. */
  const lookAside = (call: Call): void => {
    if (isLooking) return
    isLooking = true
    void look({ deadline: call.deadline }).finally(() => {
      isLooking = false
    })
  }

  return {
    prepare: async (call) => {
      if (last === null || isStale) return look(call)
      if (age() > LOOK_AGAIN_MS) lookAside(call)
      return last.ready
    },
    anew: async (call) => (last !== null && age() < LOOK_AT_MOST_MS ? last.ready : look(call)),
    lookUp,
    known: () => last?.ready ?? null,
    heard: ({ stale }) => {
      isStale ||= stale === true
    },
  }
}

/** An address in a column of another type would look as if nothing were there. */
const hasKnownKey = (config: PostgresConfig, facts: TableFacts): boolean =>
  keyColumns(config).every(({ column }) =>
    facts.columns.some(({ name, type }) => name === column && KEY_TYPES.includes(type)),
  )

function makeReady(config: PostgresConfig, facts: TableFacts, generation: number): Ready {
  const mapping: Mapping = { config, facts, key: makeKey(config, facts), fenced: isFenced(config) }
  const named = (statement: Statement): Statement =>
    generation === 0 ? statement : { ...statement, name: `${statement.name}_${generation}` }
  const all = <T extends object>(statements: T): T =>
    Object.fromEntries(Object.entries(statements).map(([key, statement]) => [key, named(statement as Statement)])) as T
  const unaddressable = unaddressableStatement(mapping)
  return {
    kind: 'ready',
    mapping,
    isHeld: charsetOf(facts.encoding),
    reads: all(readStatements(mapping)),
    scans: all(scanStatements(mapping)),
    unaddressable: unaddressable && named(unaddressable),
    writes: writeStatements(mapping, named),
  }
}

/** Each text is made once: there are few combinations of effect and conditions. */
function writeStatements(mapping: Mapping, named: (statement: Statement) => Statement): Ready['writes'] {
  const made = new Map<string, Statement>()
  return (effect, kinds, width) => {
    const key = `${effect} ${kinds.join(' ')} ${width}`
    const statement = made.get(key) ?? named(writeStatement(mapping, effect, kinds, width))
    made.set(key, statement)
    return statement
  }
}
