/**
 * The operator's hand on the keys. A revocation is first written to the customer's row, which every statement of every
 * replica looks at, and then told to the keyring; a restoration goes the other way round, so that in between and after a
 * crash the customer is refused. Each may be sent again until it is done.
 */
import type { KeyCare, KeyCareFailure, KeyChanged, KeyChangeName, RewrapFrom, RewrapPage } from '../key-care.ts'
import { columnwise } from '../sql/columnwise.ts'
import type { FailedAnswer } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Call } from '../store.ts'
import type { CustomerState, Customers } from './customers.ts'
import { contextOf } from './envelope.ts'
import { keyStatements, type SealedRow, type StateCount } from './key-statements.ts'
import type { KeyChange, Keyring, ResealOutcome } from './keyring.ts'

export interface KeyCareParts {
  readonly database: Database
  readonly keyring: Keyring
  readonly customers: Customers
  readonly schema: string
  /** Before the first call; null once the schema is there. */
  readonly migrated: (call: Call) => Promise<FailedAnswer | null>
}

type Place = readonly [integration: string, customer: string, name: string, version: string]
type Cursor = { readonly in: 'keys'; readonly after: string | null } | { readonly in: 'rows'; readonly after: Place }

const NO_KEYS = { seen: 0, wrapped: 0, unusable: 0 } as const
const NO_ROWS = { seen: 0, resealed: 0, current: 0, undecryptable: 0, revoked: 0 } as const
const START: Place = ['', '', '', '0']

export function makeKeyCare(parts: KeyCareParts): KeyCare {
  const { database, keyring, migrated } = parts
  const sql = keyStatements(parts.schema)
  const change = makeChange(parts)
  const rewrapRows = makeRewrapRows(database, keyring, sql)

  /** Null: it takes longer than a call may. */
  const countRows = async (customer: string | null, call: Call): Promise<number | null> => {
    const [statement, values] = customer === null ? [sql.count, []] : [sql.countOf, ['', customer]]
    const answer = await database.ask<{ count: number }>(statement, values, call)
    return answer.kind === 'rows' ? (answer.rows[0]?.count ?? 0) : null
  }

  const rewrap = async ({ customer, after, limit }: RewrapFrom, call: Call): Promise<RewrapPage | KeyCareFailure> => {
    const cursor = after === null ? null : parseCursor(after)
    if (after !== null && cursor === null) return { kind: 'failed', reason: 'cursor' }
    if (cursor?.in === 'rows') return rewrapRows(customer, cursor.after, limit, call)
    if (keyring.rewrapKeys === null) return rewrapRows(customer, START, limit, call)
    const page = await keyring.rewrapKeys({ customer, after: cursor?.after ?? null, limit }, call)
    if (page.kind === 'failed') return failed(page)
    const { seen, wrapped, unusable, next } = page
    const place: Cursor = next === null ? { in: 'rows', after: START } : { in: 'keys', after: next }
    return { kind: 'page', keys: { seen, wrapped, unusable }, rows: NO_ROWS, next: cursorText(place) }
  }

  const once =
    <A extends unknown[], R>(act: (...given: [...A, Call]) => Promise<R | KeyCareFailure>) =>
    async (...given: [...A, Call]): Promise<R | KeyCareFailure> => {
      const stopped = await migrated(given.at(-1) as Call)
      return stopped ? failed(stopped) : act(...given)
    }

  return {
    survey: once(async (customer: string | null, call) => {
      const states = await database.ask<StateCount>(sql.states, [customer], call)
      if (states.kind === 'failed') return failed(states)
      const of = (state: CustomerState) => states.rows.find((row) => row.state === state)?.count ?? 0
      const rows = await countRows(customer, call)
      return { kind: 'survey', active: of('active'), revoked: of('revoked'), destroyed: of('destroyed'), rows } as const
    }),
    change: once(change),
    customers: once(async (after: string | null, limit: number, call) => {
      const answer = await database.ask<{ customer: string }>(sql.customers, [after ?? '', limit], call)
      if (answer.kind === 'failed') return failed(answer)
      const customers = answer.rows.map((row) => row.customer)
      return {
        kind: 'customers',
        customers,
        next: customers.length < limit ? null : (customers.at(-1) ?? null),
      } as const
    }),
    rewrap: once(rewrap),
  }
}

function makeChange({ keyring, customers }: KeyCareParts) {
  const moved = async (customer: string, to: 'revoked' | 'active' | 'destroyed', call: Call) => {
    const answer = await customers.move(customer, to, call)
    if (answer.kind === 'failed') return failed(answer)
    return answer.state === to ? null : refusedBy(answer.state)
  }
  const told = (outcome: KeyChange): KeyChanged | KeyCareFailure =>
    outcome.kind === 'failed' ? failed(outcome) : outcome

  const changes: Readonly<
    Record<KeyChangeName, (customer: string, call: Call) => Promise<KeyChanged | KeyCareFailure>>
  > = {
    rotate: async (customer, call) => {
      const now = await customers.state(customer, call)
      if (now.kind === 'failed') return failed(now)
      return now.state === 'active' ? told(await keyring.rotate(customer, call)) : refusedBy(now.state)
    },
    revoke: async (customer, call) => {
      const stopped = await moved(customer, 'revoked', call)
      if (stopped) return stopped
      const outcome = told(await keyring.revoke(customer, call))
      // The store itself refuses from now on, also where the keyring knows no such thing.
      return outcome.kind === 'refused' && outcome.why === 'unsupported' ? { kind: 'done', keyVersion: null } : outcome
    },
    restore: async (customer, call) => {
      const now = await customers.state(customer, call)
      if (now.kind === 'failed') return failed(now)
      if (now.state !== 'revoked' && now.state !== 'active') return refusedBy(now.state)
      const outcome = told(await keyring.restore(customer, call))
      const isGiven = outcome.kind === 'done' || (outcome.kind === 'refused' && outcome.why === 'unsupported')
      if (!isGiven) return outcome
      return (
        (await moved(customer, 'active', call)) ??
        (outcome.kind === 'done' ? outcome : { kind: 'done', keyVersion: null })
      )
    },
    destroy: async (customer, call) =>
      (await moved(customer, 'destroyed', call)) ?? told(await keyring.destroy(customer, call)),
  }
  return (customer: string, name: KeyChangeName, call: Call) => changes[name](customer, call)
}

function makeRewrapRows(database: Database, keyring: Keyring, sql: ReturnType<typeof keyStatements>) {
  const readPage = (customer: string | null, after: Place, limit: number, call: Call) =>
    customer === null
      ? database.ask<SealedRow>(sql.rows, [...after, limit], call)
      : database.ask<SealedRow>(sql.rowsOf, [...after, limit, customer], call)

  return async (
    customer: string | null,
    after: Place,
    limit: number,
    call: Call,
  ): Promise<RewrapPage | KeyCareFailure> => {
    const answer = await readPage(customer, after, limit, call)
    if (answer.kind === 'failed') return failed(answer)
    const sealed = answer.rows.filter((row): row is Live => row.key_version !== null)
    const outcomes = sealed.length > 0 ? await keyring.reseal(sealed.map(requestOf), call) : []
    const broken = outcomes.find((outcome) => outcome.kind === 'failed')
    if (broken) return failed(broken)
    const fresh = sealed.flatMap((row, at) => resealed(row, outcomes[at]))
    if (fresh.length > 0) {
      const written = await database.ask(sql.reseal, columnwise(fresh), call)
      if (written.kind === 'failed') return failed(written)
    }
    const count = (kind: ResealOutcome['kind']): number => outcomes.filter((outcome) => outcome.kind === kind).length
    const last = answer.rows.at(-1)
    const next: Cursor | null =
      last && answer.rows.length === limit
        ? { in: 'rows', after: [last.integration, last.customer, last.name, last.version] }
        : null
    return {
      kind: 'page',
      keys: NO_KEYS,
      rows: {
        seen: sealed.length,
        resealed: fresh.length,
        current: count('current'),
        undecryptable: count('undecryptable'),
        revoked: count('revoked'),
      },
      next: next && cursorText(next),
    }
  }
}

type Live = SealedRow & { readonly key_version: number }

const requestOf = (row: Live) => ({
  customer: row.customer,
  context: contextOf(row, BigInt(row.version)),
  keyVersion: row.key_version,
  nonce: row.nonce,
  ciphertext: row.ciphertext,
})

const resealed = (row: Live, outcome: ResealOutcome | undefined): readonly (readonly unknown[])[] =>
  outcome?.kind === 'sealed'
    ? [[row.id, row.key_version, outcome.sealed.keyVersion, outcome.sealed.nonce, outcome.sealed.ciphertext]]
    : []

const refusedBy = (state: CustomerState | null): KeyChanged =>
  ({ kind: 'refused', why: state === 'revoked' || state === 'destroyed' ? state : 'no-key' }) as const

const failed = ({ failure }: { readonly failure: { readonly reason: KeyCareFailure['reason'] } }): KeyCareFailure => ({
  kind: 'failed',
  reason: failure.reason,
})

const cursorText = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url')

function parseCursor(text: string): Cursor | null {
  try {
    const parsed = JSON.parse(Buffer.from(text, 'base64url').toString()) as Cursor
    if (parsed.in === 'keys') return typeof parsed.after === 'string' ? parsed : null
    const isPlace = parsed.in === 'rows' && Array.isArray(parsed.after) && parsed.after.length === 4
    return isPlace && parsed.after.every((part) => typeof part === 'string') && /^\d{1,18}$/.test(parsed.after[3])
      ? parsed
      : null
  } catch {
    return null
  }
}
