import { type Answers, byAddress, distinct, itself, mapAnswers, matchRows } from '../answers.ts'
import { apartRead, type BatchAnswer, sendApart } from '../apart.ts'
import { type Failure, readError } from '../failure.ts'
import { type Address, addressKey } from '../secret.ts'
import { isPlainAddress } from '../secret-text.ts'
import type { Answer } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Call, GetOutcome } from '../store.ts'
import type { Codec } from './codec.ts'
import type { Preparing, Ready } from './ready.ts'
import { isOf, type ReadRow, readOutcome } from './rows.ts'

const UNREPRESENTABLE: GetOutcome = { kind: 'error', reason: 'unrepresentable', passing: false }
/** No row of this table can have such an address. */
const NOWHERE: GetOutcome = { kind: 'absent', deleted: false, fence: null }
const CORRUPT: GetOutcome = { kind: 'unreadable', reason: 'corrupt', version: null }

/** An address and the values of its key, as they are sent. */
interface Asked {
  readonly address: Address
  readonly key: readonly string[]
}

export function makeReads(database: Database, { prepare, anew, heard }: Preparing, codec: Codec) {
  const ask = async (ready: Ready, asked: readonly Asked[], call: Call): Promise<BatchAnswer<Asked, GetOutcome>> => {
    const answer = await send(database, ready, asked, call)
    if (answer.kind === 'failed') {
      heard(answer.failure)
      return answer
    }
    const matches = matchRows(asked, itself, answer.rows, isOf)
    const answers = mapAnswers(asked, itself, matches, (match, { address }) => readOutcome(match, codec, address))
    return { kind: 'answers', answers }
  }

  /** What lies there cannot be read; unless it was the address that the database cannot even be asked for. */
  const alone = async ({ address, key }: Asked, failure: Failure, call: Call): Promise<GetOutcome> => {
    if (failure.ofOne !== 'damaged') return readError(failure)
    if (failure.reason === 'protocol' || isAscii(address)) return CORRUPT
    const echo = await database.ask({ name: 'crossfade_echo', text: 'SELECT $1::text[] AS echo' }, [key], call)
    if (echo.kind === 'rows') return CORRUPT
    return echo.failure.ofOne === 'damaged' ? NOWHERE : readError(echo.failure)
  }

  const askAll = (ready: Ready, asked: readonly Asked[], call: Call): Promise<Answers<Asked, GetOutcome>> =>
    sendApart(asked, {
      keyOf: itself,
      send: (some) => ask(ready, some, call),
      isApart: apartRead,
      failed: (one, failure, isAlone) => (isAlone ? alone(one, failure, call) : readError(failure)),
    })

  /** Whether the table can hold it as it is now: a type may have been widened since it was looked up. */
  const place = async (ready: Ready, address: Address, call: Call): Promise<Asked | null> => {
    const known = ready.mapping.key.valuesOf(address)
    if (known !== null) return { address, key: known }
    const fresh = await anew(call)
    const key = fresh.kind === 'ready' ? fresh.mapping.key.valuesOf(address) : null
    return key && { address, key }
  }

  const getMany = async (addresses: readonly Address[], call: Call): Promise<Answers<Address, GetOutcome>> => {
    const ready = await prepare(call)
    if (ready.kind === 'failed') return byAddress(addresses, () => readError(ready.failure))
    const sent = new Map<string, Asked>()
    for (const address of distinct(addresses.filter(isPlainAddress), addressKey)) {
      const asked = await place(ready, address, call)
      if (asked !== null) sent.set(addressKey(address), asked)
    }
    const latest = await prepare(call)
    if (latest.kind === 'failed') return byAddress(addresses, () => readError(latest.failure))
    const outcomes = await askAll(latest, [...sent.values()], call)
    return byAddress(addresses, (address) => {
      if (!isPlainAddress(address)) return UNREPRESENTABLE
      const asked = sent.get(addressKey(address))
      return asked ? outcomes.of(asked) : NOWHERE
    })
  }

  return { getMany, getOne: async (address: Address, call: Call) => (await getMany([address], call)).of(address) }
}

function send(
  database: Database,
  { reads, mapping }: Ready,
  asked: readonly Asked[],
  call: Call,
): Promise<Answer<ReadRow>> {
  const [first, ...others] = asked
  if (first !== undefined && others.length === 0) return database.ask<ReadRow>(reads.one, first.key, call)
  const columns = mapping.key.columns.map((_, at) => asked.map(({ key }) => key[at]))
  return database.ask<ReadRow>(reads.many, columns, call)
}

const isAscii = ({ integration, customer, name }: Address): boolean =>
  [integration, customer, name].every((text) => Buffer.byteLength(text) === text.length)
