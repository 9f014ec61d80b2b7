/**
 * A home-grown secrets table, as it is. Its columns are looked up in the catalogue once, at the first call; the
 * statements are made from that (statements.ts) and prepared by name on each connection.
 */

import { failedAs, readError, refused, writeFailure } from '../failure.ts'
import { inRounds } from '../rounds.ts'
import type { Address } from '../secret.ts'
import { isPlainAddress } from '../secret-text.ts'
import { addressColumns, addressValues, columnwise } from '../sql/columnwise.ts'
import type { Answer, FailedAnswer, Statement } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import { gatherGets } from '../sql/gather.ts'
import { scanPage } from '../sql/scan.ts'
import type { Call, Condition, GetOutcome, PutOutcome, PutRequest, ScanOutcome, ScanPage, Store } from '../store.ts'
import { isFenced, postgresCapabilities } from './capabilities.ts'
import { problemsOf } from './check.ts'
import type { Codec } from './codec.ts'
import type { PostgresConfig } from './config.ts'
import {
  type Encoded,
  encodePut,
  encodeRemove,
  kindOf,
  putOutcome,
  type ReadRow,
  readOutcome,
  removeOutcome,
  type WrittenRow,
} from './rows.ts'
import {
  type Effect,
  type Mapping,
  type ReadStatements,
  readStatements,
  type Width,
  type WriteKind,
  writeStatement,
} from './statements.ts'
import { DESCRIBE, type DescribeRow, factsOf, quotedTable } from './table.ts'

interface Ready {
  readonly kind: 'ready'
  readonly mapping: Mapping
  readonly reads: ReadStatements
  readonly writes: (effect: Effect, kinds: readonly WriteKind[], width: Width) => Statement
}
type Row = readonly unknown[]
type Prepare = (call: Call) => Promise<Ready | FailedAnswer>

const UNREPRESENTABLE: GetOutcome = { kind: 'error', reason: 'unrepresentable', passing: false }
const UNUSABLE: FailedAnswer = { kind: 'failed', failure: { certain: true, reason: 'rejected', passing: false } }
const NO_ROWS: Answer<WrittenRow> = { kind: 'rows', rows: [] }

export function makePostgresStore(name: string, config: PostgresConfig, database: Database, codec: Codec): Store {
  const capabilities = postgresCapabilities(config)
  const prepare = preparing(config, database)
  const reads = makeReads(database, prepare, codec)
  const writes = makeWrites(database, prepare, codec)
  return {
    name,
    kind: 'postgres',
    capabilities,
    get: gatherGets(capabilities.batch.max, reads.getOne, reads.getMany),
    getMany: reads.getMany,
    put: async (address, secret, condition, call) =>
      (await writes.putRound([{ address, secret, condition }], call))[0] as PutOutcome,
    putMany: (puts, call) => inRounds(puts, (round) => writes.putRound(round, call)),
    remove: writes.remove,
    scan: reads.scan,
    ping: async (call) => {
      const answer = await database.ask({ name: 'crossfade_ping', text: 'SELECT 1' }, [], call)
      return answer.kind === 'failed' ? failedAs(answer.failure) : { kind: 'ok' }
    },
    check: async (call) => {
      const answer = await database.ask<DescribeRow>(DESCRIBE, [quotedTable(config)], call)
      if (answer.kind === 'rows') return problemsOf(factsOf(answer.rows[0]), config)
      return [{ level: 'error', message: `the store did not answer: ${answer.failure.reason}` }]
    },
    close: () => database.close(),
  }
}

/** Looks the table up at the first call and keeps the answer; a failure is forgotten, so the next call tries again. */
function preparing(config: PostgresConfig, database: Database): Prepare {
  let ready: Ready | null = null
  return async (call) => {
    if (ready) return ready
    const answer = await database.ask<DescribeRow>(DESCRIBE, [quotedTable(config)], call)
    if (answer.kind === 'failed') return answer
    const facts = factsOf(answer.rows[0])
    const names = new Set<string | undefined>(facts?.columns.map((column) => column.name))
    if (!facts || !Object.values(config.columns).every((column) => names.has(column))) return UNUSABLE
    const mapping: Mapping = { config, facts, fenced: isFenced(config) }
    ready = { kind: 'ready', mapping, reads: readStatements(mapping), writes: writeStatements(mapping) }
    return ready
  }
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

function makeReads(database: Database, prepare: Prepare, codec: Codec) {
  const getOne = async (address: Address, call: Call): Promise<GetOutcome> => {
    if (!isPlainAddress(address)) return UNREPRESENTABLE
    const ready = await prepare(call)
    if (ready.kind === 'failed') return readError(ready.failure)
    const answer = await database.ask<ReadRow>(ready.reads.one, addressValues(address), call)
    return answer.kind === 'failed' ? readError(answer.failure) : readOutcome(answer.rows[0], codec)
  }

  const getMany = async (addresses: readonly Address[], call: Call): Promise<readonly GetOutcome[]> => {
    const ready = await prepare(call)
    const plain = addresses.filter(isPlainAddress)
    const answer =
      ready.kind === 'failed' ? ready : await database.ask<ReadRow>(ready.reads.many, addressColumns(plain), call)
    if (answer.kind === 'failed') return addresses.map(() => readError(answer.failure))
    const rows = answer.rows.values()
    return addresses.map((a) => (isPlainAddress(a) ? readOutcome(rows.next().value, codec) : UNREPRESENTABLE))
  }

  const scan = async (integration: string, page: ScanPage, call: Call): Promise<ScanOutcome> => {
    const ready = await prepare(call)
    return ready.kind === 'failed' ? failedAs(ready.failure) : scanPage(database, ready.reads, integration, page, call)
  }

  return { getOne, getMany, scan }
}

function makeWrites(database: Database, prepare: Prepare, codec: Codec) {
  const write = (ready: Ready, effect: Effect, kinds: readonly WriteKind[], rows: readonly Row[], call: Call) => {
    const [first, ...others] = rows
    const one = others.length === 0
    const values = one ? (first ?? []) : columnwise(rows)
    return database.askBounded<WrittenRow>(ready.writes(effect, kinds, one ? 'one' : 'many'), values, call)
  }

  const putRound = async (puts: readonly PutRequest[], call: Call): Promise<readonly PutOutcome[]> => {
    const ready = await prepare(call)
    if (ready.kind === 'failed') return puts.map(() => writeFailure(ready.failure))
    const encoded = puts.map((put): Encoded & { put: PutRequest } => ({ put, ...encodePut(put, ready.mapping, codec) }))
    const sent = encoded.filter((item) => item.kind === 'row')
    const kinds = [...new Set(sent.map(({ put }) => kindOf(put.condition)))].sort()
    const rows = sent.map((item) => item.row)
    const answer = rows.length > 0 ? await write(ready, 'put', kinds, rows, call) : NO_ROWS
    const answers = answer.kind === 'rows' ? answer.rows.values() : null
    return encoded.map((item) => {
      if (item.kind === 'unheld') return refused(item.reason)
      if (answer.kind === 'failed') return writeFailure(answer.failure)
      return putOutcome(answers?.next().value, item.put.condition)
    })
  }

  const remove = async (address: Address, condition: Condition, call: Call): Promise<PutOutcome> => {
    if (!isPlainAddress(address)) return refused('unrepresentable')
    const ready = await prepare(call)
    if (ready.kind === 'failed') return writeFailure(ready.failure)
    const effect = ready.mapping.config.columns.deleted === undefined ? 'erase' : 'tombstone'
    const row = encodeRemove(address, condition, ready.mapping, codec)
    const answer = await write(ready, effect, [kindOf(condition)], [row], call)
    if (answer.kind === 'failed') return writeFailure(answer.failure)
    return removeOutcome(answer.rows[0], condition, ready.mapping)
  }

  return { putRound, remove }
}
