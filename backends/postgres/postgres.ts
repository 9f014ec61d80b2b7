/**
 * A home-grown secrets table, as it is. Its columns are looked up in the catalogue once, at the first call; the
 * statements are made from that (statements.ts) and prepared by name on each connection.
 */

import { failedAs, readError, refused, writeFailure } from '../failure.ts'
import { inRounds } from '../rounds.ts'
import type { Address } from '../secret.ts'
import { isPlainAddress } from '../secret-text.ts'
import { columnwise } from '../sql/columnwise.ts'
import type { Answer } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import { gatherGets } from '../sql/gather.ts'
import type { Call, Condition, GetOutcome, PutOutcome, PutRequest, Store } from '../store.ts'
import { postgresCapabilities } from './capabilities.ts'
import { problemsOf } from './check.ts'
import type { Codec } from './codec.ts'
import type { PostgresConfig } from './config.ts'
import { makeKey } from './key.ts'
import { type Prepare, preparing, type Ready } from './ready.ts'
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
import { makeScan } from './scan.ts'
import type { Effect, WriteKind } from './statements.ts'
import { DESCRIBE, type DescribeRow, factsOf, quotedTable } from './table.ts'

type Row = readonly unknown[]

const UNREPRESENTABLE: GetOutcome = { kind: 'error', reason: 'unrepresentable', passing: false }
const GONE: PutOutcome = { kind: 'done', version: null, fence: null }
/** No row of this table can have such an address. */
const NOWHERE: GetOutcome = { kind: 'absent', deleted: false, fence: null }
const NO_ROWS: Answer<WrittenRow> = { kind: 'rows', rows: [] }

export function makePostgresStore(name: string, config: PostgresConfig, database: Database, codec: Codec): Store {
  const capabilities = postgresCapabilities(config)
  const { prepare, known } = preparing(config, database)
  const shape = makeKey(config, null)
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
    scan: makeScan(database, prepare),
    names: (address) => isPlainAddress(address) && (known()?.mapping.key ?? shape).valuesOf(address) !== null,
    ping: async (call) => {
      // So that `names` knows the types of the key before the first write.
      await prepare(call)
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

function makeReads(database: Database, prepare: Prepare, codec: Codec) {
  const getOne = async (address: Address, call: Call): Promise<GetOutcome> => {
    if (!isPlainAddress(address)) return UNREPRESENTABLE
    const ready = await prepare(call)
    if (ready.kind === 'failed') return readError(ready.failure)
    const key = ready.mapping.key.valuesOf(address)
    if (key === null) return NOWHERE
    const answer = await database.ask<ReadRow>(ready.reads.one, key, call)
    return answer.kind === 'failed' ? readError(answer.failure) : readOutcome(answer.rows[0], codec, address)
  }

  const getMany = async (addresses: readonly Address[], call: Call): Promise<readonly GetOutcome[]> => {
    const ready = await prepare(call)
    if (ready.kind === 'failed') return addresses.map(() => readError(ready.failure))
    const { key } = ready.mapping
    const keys = addresses.map((address) => (isPlainAddress(address) ? key.valuesOf(address) : null))
    const sent = keys.filter((values) => values !== null)
    const columns = key.columns.map((_, at) => sent.map((values) => values[at]))
    const answer = await database.ask<ReadRow>(ready.reads.many, columns, call)
    if (answer.kind === 'failed') return addresses.map(() => readError(answer.failure))
    const rows = answer.rows.values()
    return addresses.map((address, at) => {
      if (!isPlainAddress(address)) return UNREPRESENTABLE
      return keys[at] ? readOutcome(rows.next().value, codec, address) : NOWHERE
    })
  }

  return { getOne, getMany }
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
    // Nothing is there, and nothing ever was.
    if (row === null) return condition.kind === 'any' ? GONE : { kind: 'conflict' }
    const answer = await write(ready, effect, [kindOf(condition)], [row], call)
    if (answer.kind === 'failed') return writeFailure(answer.failure)
    return removeOutcome(answer.rows[0], condition, ready.mapping)
  }

  return { putRound, remove }
}
