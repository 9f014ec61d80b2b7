import { type Answers, byAddress, distinct } from '../answers.ts'
import { readError } from '../failure.ts'
import { type Address, addressKey } from '../secret.ts'
import { isPlainAddress } from '../secret-text.ts'
import { addressColumns, addressValues } from '../sql/columnwise.ts'
import type { Database } from '../sql/database.ts'
import type { Call, GetOutcome } from '../store.ts'
import { contextOf, unpack } from './envelope.ts'
import type { Keyring, OpenOutcome, OpenRequest } from './keyring.ts'
import type { SealedStatements, VersionRow } from './statements.ts'

/** The fence of a secret of which the store has never heard. */
export const NEVER = '0'

const UNREPRESENTABLE: GetOutcome = { kind: 'error', reason: 'unrepresentable', passing: false }

/** Not passing: no answer of another store takes its place, or a revocation would be none. */
const REVOKED: GetOutcome = { kind: 'error', reason: 'revoked', passing: false }

export function makeReads(database: Database, keyring: Keyring, sql: SealedStatements) {
  const outcomes = async (
    addresses: readonly Address[],
    rows: readonly (VersionRow | undefined)[],
    call: Call,
  ): Promise<readonly GetOutcome[]> => {
    const requests = rows.flatMap((row, at) => toOpen(row, addresses[at]))
    const opened = requests.length > 0 ? (await keyring.open(requests, call)).values() : [].values()
    return rows.map((row) => readOutcome(row, () => opened.next().value))
  }

  const getOne = async (address: Address, call: Call): Promise<GetOutcome> => {
    if (!isPlainAddress(address)) return UNREPRESENTABLE
    const answer = await database.ask<VersionRow>(sql.one, addressValues(address), call)
    if (answer.kind === 'failed') return readError(answer.failure)
    return (await outcomes([address], [answer.rows[0]], call))[0] as GetOutcome
  }

  const getMany = async (addresses: readonly Address[], call: Call): Promise<Answers<Address, GetOutcome>> => {
    const plain = distinct(addresses.filter(isPlainAddress), addressKey)
    const answer = await database.ask<VersionRow>(sql.many, [...addressColumns(plain)], call)
    if (answer.kind === 'failed') return byAddress(addresses, () => readError(answer.failure))
    const rows = await outcomes(plain, answer.rows, call)
    const held = new Map(plain.map((address, at) => [addressKey(address), rows[at] as GetOutcome]))
    return byAddress(addresses, (a) => held.get(addressKey(a)) ?? UNREPRESENTABLE)
  }

  return { getOne, getMany }
}

const isLive = (row: VersionRow | undefined): row is VersionRow & { version: string; key_version: number } =>
  row !== undefined && row.version !== null && row.key_version !== null

function toOpen(row: VersionRow | undefined, address: Address | undefined): OpenRequest[] {
  if (!isLive(row) || row.revoked || !address) return []
  const { nonce, ciphertext, key_version: keyVersion } = row
  return [
    { customer: address.customer, context: contextOf(address, BigInt(row.version)), keyVersion, nonce, ciphertext },
  ]
}

/** `next` gives the outcome of the keyring for this row; it is asked only if there was something to open. */
function readOutcome(row: VersionRow | undefined, next: () => OpenOutcome | undefined): GetOutcome {
  if (!row || row.version === null) return { kind: 'absent', deleted: false, fence: NEVER }
  if (!isLive(row)) return { kind: 'absent', deleted: true, fence: row.version }
  if (row.revoked) return REVOKED
  const outcome = next()
  if (outcome?.kind === 'revoked') return REVOKED
  if (outcome?.kind === 'failed') return readError(outcome.failure)
  if (outcome?.kind !== 'opened') return { kind: 'unreadable', reason: 'undecryptable', version: row.id }
  const secret = unpack(outcome.plaintext)
  if (!secret) return { kind: 'unreadable', reason: 'corrupt', version: row.id }
  return { kind: 'found', secret, version: row.id, fence: row.version }
}
