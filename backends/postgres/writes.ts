import { type Answers, answersTo, itself, mapAnswers, matchRows } from '../answers.ts'
import { apartWrite, type BatchAnswer, sendApart } from '../apart.ts'
import { refused, writeFailure } from '../failure.ts'
import type { Address } from '../secret.ts'
import { isPlainAddress } from '../secret-text.ts'
import { columnwise } from '../sql/columnwise.ts'
import type { Database } from '../sql/database.ts'
import type { Call, Condition, PutOutcome, PutRequest } from '../store.ts'
import type { Codec } from './codec.ts'
import type { Preparing, Ready } from './ready.ts'
import {
  type Encoded,
  type EncodedRow,
  encodePut,
  encodeRemove,
  isOf,
  kindOf,
  putOutcome,
  removeOutcome,
  type WrittenRow,
} from './rows.ts'
import type { Effect, WriteKind } from './statements.ts'

type Row = readonly unknown[]

const GONE: PutOutcome = { kind: 'done', version: null, fence: null }

interface Sent extends EncodedRow {
  readonly put: PutRequest
}

export function makeWrites(database: Database, { prepare, anew, heard }: Preparing, codec: Codec) {
  const write = async (ready: Ready, effect: Effect, kinds: readonly WriteKind[], rows: readonly Row[], call: Call) => {
    const [first, ...others] = rows
    const one = others.length === 0
    const values = one ? (first ?? []) : columnwise(rows)
    const statement = ready.writes(effect, kinds, one ? 'one' : 'many')
    const answer = await database.askBounded<WrittenRow>(statement, values, call)
    if (answer.kind === 'failed') heard(answer.failure)
    return answer
  }

  const send = async (ready: Ready, sent: readonly Sent[], call: Call): Promise<BatchAnswer<Sent, PutOutcome>> => {
    const kinds = [...new Set(sent.map(({ put }) => kindOf(put.condition)))].sort()
    const rows = sent.map(({ row }) => row)
    const answer = await write(ready, 'put', kinds, rows, call)
    if (answer.kind === 'failed') return answer
    const matches = matchRows(sent, itself, answer.rows, isOf)
    const answers = mapAnswers(sent, itself, matches, (match, { put }) => putOutcome(match, put.condition))
    return { kind: 'answers', answers }
  }

  /** A type may have been widened since the table was looked up. */
  const encode = async (put: PutRequest, ready: Ready, call: Call): Promise<Encoded> => {
    const encoded = encodePut(put, ready, codec)
    if (encoded.kind === 'row' || ready.mapping.key.valuesOf(put.address) !== null) return encoded
    const fresh = await anew(call)
    return fresh.kind === 'ready' ? encodePut(put, fresh, codec) : encoded
  }

  const putRound = async (puts: readonly PutRequest[], call: Call): Promise<Answers<PutRequest, PutOutcome>> => {
    const ready = await prepare(call)
    if (ready.kind === 'failed') return answersTo(puts, itself, () => writeFailure(ready.failure))
    const encoded = new Map<PutRequest, Encoded>()
    for (const put of puts) encoded.set(put, await encode(put, ready, call))
    const sent = new Map<PutRequest, Sent>()
    for (const [put, item] of encoded) if (item.kind === 'row') sent.set(put, { put, ...item })
    const latest = await prepare(call)
    if (latest.kind === 'failed') return answersTo(puts, itself, () => writeFailure(latest.failure))
    const outcomes = await sendApart([...sent.values()], {
      keyOf: itself,
      send: (some) => send(latest, some, call),
      isApart: apartWrite,
      failed: (_, failure) => writeFailure(failure),
    })
    return answersTo(puts, itself, (put) => {
      const item = encoded.get(put)
      return item?.kind === 'unheld' ? refused(item.reason, item.detail) : outcomes.of(sent.get(put) as Sent)
    })
  }

  const removeAnew = async (address: Address, condition: Condition, call: Call): Promise<EncodedRow | null> => {
    const fresh = await anew(call)
    return fresh.kind === 'ready' ? encodeRemove(address, condition, fresh.mapping, codec) : null
  }

  const putOne = async (put: PutRequest, call: Call): Promise<PutOutcome> => (await putRound([put], call)).of(put)

  const remove = async (address: Address, condition: Condition, call: Call): Promise<PutOutcome> => {
    if (!isPlainAddress(address)) return refused('unrepresentable')
    const ready = await prepare(call)
    if (ready.kind === 'failed') return writeFailure(ready.failure)
    const effect = ready.mapping.config.columns.deleted === undefined ? 'erase' : 'tombstone'
    const sent = encodeRemove(address, condition, ready.mapping, codec) ?? (await removeAnew(address, condition, call))
    // Nothing is there, and nothing ever was.
    if (sent === null) return condition.kind === 'any' ? GONE : { kind: 'conflict' }
    const answer = await write(ready, effect, [kindOf(condition)], [sent.row], call)
    if (answer.kind === 'failed') return writeFailure(answer.failure)
    return removeOutcome(matchRows([sent], itself, answer.rows, isOf).of(sent), condition, ready.mapping)
  }

  return { putOne, putRound, remove }
}
