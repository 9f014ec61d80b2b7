/**
 * A home-grown secrets table, as it is. Its columns are looked up in the catalogue once, at the first call; the
 * statements are made from that (statements.ts) and prepared by name on each connection.
 */

import { type Answers, answersTo, byAddress, distinct, itself, mapAnswers, matchRows } from '../answers.ts'
import { failedAs, readError, refused, writeFailure } from '../failure.ts'
import { inRounds } from '../rounds.ts'
import { type Address, addressKey } from '../secret.ts'
import { isPlainAddress } from '../secret-text.ts'
import { columnwise } from '../sql/columnwise.ts'
import type { Answer } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import { gatherGets } from '../sql/gather.ts'
import { clusterIdentity } from '../sql/identity.ts'
import type { Call, Condition, GetOutcome, PutOutcome, PutRequest, Store } from '../store.ts'
import { postgresCapabilities } from './capabilities.ts'
import { problemsOf } from './check.ts'
import type { Codec } from './codec.ts'
import type { PostgresConfig } from './config.ts'
import { makeKey } from './key.ts'
import { type Prepare, preparing, type Ready } from './ready.ts'
import {
  type EncodedRow,
  encodePut,
  encodeRemove,
  isOf,
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
    put: (address, secret, condition, call) => writes.putOne({ address, secret, condition }, call),
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
    identity: (call) => clusterIdentity(database, call),
    check: async (call) => {
      const answer = await database.ask<DescribeRow>(DESCRIBE, [quotedTable(config)], call)
      if (answer.kind === 'rows') return problemsOf(factsOf(answer.rows[0]), config)
      return [{ level: 'error', message: `the store did not answer: ${answer.failure.reason}` }]
    },
    close: () => database.close(),
  }
}

/** An address and the values of its key, as they are sent. */
interface Asked {
  readonly address: Address
  readonly key: readonly string[]
}

function makeReads(database: Database, prepare: Prepare, codec: Codec) {
  const getOne = async (address: Address, call: Call): Promise<GetOutcome> => {
    if (!isPlainAddress(address)) return UNREPRESENTABLE
    const ready = await prepare(call)
    if (ready.kind === 'failed') return readError(ready.failure)
    const key = ready.mapping.key.valuesOf(address)
    if (key === null) return NOWHERE
    const answer = await database.ask<ReadRow>(ready.reads.one, key, call)
    if (answer.kind === 'failed') return readError(answer.failure)
    const asked: Asked = { address, key }
    return readOutcome(matchRows([asked], itself, answer.rows, isOf).of(asked), codec, address)
  }

  const ask = async (ready: Ready, asked: readonly Asked[], call: Call): Promise<Answers<Asked, GetOutcome>> => {
    const columns = ready.mapping.key.columns.map((_, at) => asked.map(({ key }) => key[at]))
    const answer = await database.ask<ReadRow>(ready.reads.many, columns, call)
    if (answer.kind === 'failed') return answersTo(asked, itself, () => readError(answer.failure))
    const matches = matchRows(asked, itself, answer.rows, isOf)
    return mapAnswers(asked, itself, matches, (match, { address }) => readOutcome(match, codec, address))
  }

  const getMany = async (addresses: readonly Address[], call: Call): Promise<Answers<Address, GetOutcome>> => {
    const ready = await prepare(call)
    if (ready.kind === 'failed') return byAddress(addresses, () => readError(ready.failure))
    const sent = new Map<string, Asked>()
    for (const address of distinct(addresses.filter(isPlainAddress), addressKey)) {
      const key = ready.mapping.key.valuesOf(address)
      if (key !== null) sent.set(addressKey(address), { address, key })
    }
    const outcomes = await ask(ready, [...sent.values()], call)
    return byAddress(addresses, (address) => {
      if (!isPlainAddress(address)) return UNREPRESENTABLE
      const asked = sent.get(addressKey(address))
      return asked ? outcomes.of(asked) : NOWHERE
    })
  }

  return { getOne, getMany }
}

interface Sent extends EncodedRow {
  readonly put: PutRequest
}

function makeWrites(database: Database, prepare: Prepare, codec: Codec) {
  const write = (ready: Ready, effect: Effect, kinds: readonly WriteKind[], rows: readonly Row[], call: Call) => {
    const [first, ...others] = rows
    const one = others.length === 0
    const values = one ? (first ?? []) : columnwise(rows)
    return database.askBounded<WrittenRow>(ready.writes(effect, kinds, one ? 'one' : 'many'), values, call)
  }

  const send = async (ready: Ready, sent: readonly Sent[], call: Call): Promise<Answers<Sent, PutOutcome>> => {
    const kinds = [...new Set(sent.map(({ put }) => kindOf(put.condition)))].sort()
    const rows = sent.map(({ row }) => row)
    const answer = rows.length > 0 ? await write(ready, 'put', kinds, rows, call) : NO_ROWS
    if (answer.kind === 'failed') return answersTo(sent, itself, () => writeFailure(answer.failure))
    const matches = matchRows(sent, itself, answer.rows, isOf)
    return mapAnswers(sent, itself, matches, (match, { put }) => putOutcome(match, put.condition))
  }

  const putRound = async (puts: readonly PutRequest[], call: Call): Promise<Answers<PutRequest, PutOutcome>> => {
    const ready = await prepare(call)
    if (ready.kind === 'failed') return answersTo(puts, itself, () => writeFailure(ready.failure))
    const encoded = new Map(puts.map((put) => [put, encodePut(put, ready.mapping, codec)]))
    const sent = new Map<PutRequest, Sent>()
    for (const [put, item] of encoded) if (item.kind === 'row') sent.set(put, { put, ...item })
    const outcomes = await send(ready, [...sent.values()], call)
    return answersTo(puts, itself, (put) => {
      const item = encoded.get(put)
      return item?.kind === 'unheld' ? refused(item.reason) : outcomes.of(sent.get(put) as Sent)
    })
  }

  const putOne = async (put: PutRequest, call: Call): Promise<PutOutcome> => (await putRound([put], call)).of(put)

  const remove = async (address: Address, condition: Condition, call: Call): Promise<PutOutcome> => {
    if (!isPlainAddress(address)) return refused('unrepresentable')
    const ready = await prepare(call)
    if (ready.kind === 'failed') return writeFailure(ready.failure)
    const effect = ready.mapping.config.columns.deleted === undefined ? 'erase' : 'tombstone'
    const sent = encodeRemove(address, condition, ready.mapping, codec)
    // Nothing is there, and nothing ever was.
    if (sent === null) return condition.kind === 'any' ? GONE : { kind: 'conflict' }
    const answer = await write(ready, effect, [kindOf(condition)], [sent.row], call)
    if (answer.kind === 'failed') return writeFailure(answer.failure)
    return removeOutcome(matchRows([sent], itself, answer.rows, isOf).of(sent), condition, ready.mapping)
  }

  return { putOne, putRound, remove }
}
