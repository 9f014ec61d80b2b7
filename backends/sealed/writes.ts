import type { Clock } from '../../core/clock.ts'
import { type Answers, answersTo, itself } from '../answers.ts'
import { refused, writeFailure } from '../failure.ts'
import type { Address, Secret } from '../secret.ts'
import { isPlainAddress } from '../secret-text.ts'
import { addressColumns, addressValues, columnwise } from '../sql/columnwise.ts'
import type { FailedAnswer } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Call, Condition, PutOutcome } from '../store.ts'
import { contextOf, pack } from './envelope.ts'
import type { Keyring, Sealed } from './keyring.ts'
import type { HeadRow, SealedStatements, WrittenRow } from './statements.ts'

/** A put, or a remove if `secret` is null. */
export interface Change {
  readonly address: Address
  readonly secret: Secret | null
  readonly condition: Condition
}

/** A change that is on its way: `outcome` is filled in when it is decided. */
interface Step {
  readonly change: Change
  /** The version that must be there; null while it is not known. */
  expected: bigint | null
  sealed: Sealed | null
  outcome: PutOutcome | null
}

const VERSION = /^(?:0|[1-9]\d{0,17})$/
const CONFLICT: PutOutcome = { kind: 'conflict' }

export interface WriteParts {
  readonly database: Database
  readonly keyring: Keyring
  readonly sql: SealedStatements
  readonly maxSize: number
  readonly clock: Clock
  /** A fresh id for each version that a batch writes. */
  readonly newIds: (count: number) => readonly string[]
}

export function makeWrites({ database, keyring, sql, maxSize, clock, newIds }: WriteParts) {
  const open = (steps: readonly Step[]): Step[] => steps.filter((step) => step.outcome === null)

  /** Unconditional changes: on whatever version is there now. */
  const readHeads = async (steps: readonly Step[], call: Call): Promise<void> => {
    const unknown = steps.filter((step) => step.expected === null)
    if (unknown.length === 0) return
    const addresses = unknown.map(({ change }) => change.address)
    const answer = await database.ask<HeadRow>(sql.heads, [...addressColumns(addresses)], call)
    unknown.forEach((step, at) => {
      if (answer.kind === 'failed') step.outcome = notSent(answer)
      else step.expected = BigInt(answer.rows[at]?.version ?? 0)
    })
  }

  const seal = async (steps: readonly Step[], call: Call): Promise<void> => {
    const puts = steps.filter((step) => step.change.secret !== null)
    if (puts.length === 0) return
    const requests = puts.map(({ change: { address, secret }, expected }) => ({
      customer: address.customer,
      plaintext: pack(secret as Secret),
      context: contextOf(address, (expected ?? 0n) + 1n),
    }))
    const outcomes = await keyring.seal(requests, call)
    puts.forEach((step, at) => {
      const outcome = outcomes[at]
      if (outcome?.kind === 'sealed') step.sealed = outcome.sealed
      else if (outcome?.kind === 'revoked') step.outcome = refused('revoked')
      else step.outcome = outcome ? writeFailure(outcome.failure) : refused('rejected')
    })
  }

  const store = async (steps: readonly Step[], call: Call): Promise<void> => {
    if (steps.length === 0) return
    const ids = newIds(steps.length)
    const rows = steps.map((step, at) => rowOf(step, ids[at] as string))
    const [first = []] = rows
    const answer =
      rows.length === 1
        ? await database.askBounded<WrittenRow>(sql.writeOne, first, call)
        : await database.askBounded<WrittenRow>(sql.writeMany, columnwise(rows), call)
    steps.forEach((step, at) => {
      if (answer.kind === 'failed') step.outcome = writeFailure(answer.failure)
      else step.outcome = outcomeOf(answer.rows[at])
    })
  }

  /** A change without a condition that met another write: once more, on the version that is there now. */
  const again = (steps: readonly Step[], call: Call): void => {
    for (const step of steps) {
      if (step.outcome?.kind !== 'conflict' || step.change.condition.kind === 'at') continue
      step.expected = null
      step.outcome = clock.monotonic() < call.deadline && !call.signal?.aborted ? null : refused('late')
    }
  }

  return async <C extends Change>(changes: readonly C[], call: Call): Promise<Answers<C, PutOutcome>> => {
    const taken = new Map(changes.map((change) => [change, stepOf(change, maxSize)]))
    const steps = [...taken.values()]
    while (open(steps).length > 0) {
      const round = open(steps)
      await readHeads(round, call)
      await seal(open(round), call)
      await store(open(round), call)
      again(round, call)
    }
    return answersTo(changes, itself, (change) => taken.get(change)?.outcome as PutOutcome)
  }
}

/** Reading the head failed: whatever that was, the write itself was never sent. */
const notSent = (answer: FailedAnswer): PutOutcome =>
  answer.failure.certain ? writeFailure(answer.failure) : refused('unavailable')

function stepOf(change: Change, maxSize: number): Step {
  const { address, secret, condition } = change
  const step: Step = { change, expected: null, sealed: null, outcome: null }
  if (!isPlainAddress(address)) step.outcome = refused('unrepresentable')
  else if (secret && secret.value.size > maxSize) step.outcome = refused('too-large')
  else if (condition.kind === 'at' && !VERSION.test(condition.fence)) step.outcome = CONFLICT
  else if (condition.kind === 'at') step.expected = BigInt(condition.fence)
  return step
}

const rowOf = ({ change, expected, sealed }: Step, id: string): readonly unknown[] => [
  ...addressValues(change.address),
  String(expected),
  id,
  sealed?.keyVersion ?? null,
  sealed?.nonce ?? null,
  sealed?.ciphertext ?? null,
]

function outcomeOf(row: WrittenRow | undefined): PutOutcome {
  if (row?.version && row.id) return { kind: 'done', version: row.id, fence: row.version }
  if (row?.revoked) return refused('revoked')
  return !row || row.late ? refused('late') : CONFLICT
}
