import { answersTo, itself } from '../../backends/answers.ts'
import { type Address, addressKey } from '../../backends/secret.ts'
import type { Side } from '../../core/side.ts'
import type { IntegrationRow, IntegrationState, Ledger } from '../../ledger/ledger.ts'
import type { Database } from '../../ledger/postgres/database.ts'
import { makeGroup } from '../../ledger/postgres/group.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { rowAccepted, rowSeen } from './row-operator.ts'
import { connect, type LedgerState } from './sim-ledger.ts'
import type { World } from './world.ts'

/** What became of an integration's state, or why it stayed. */
export type Became =
  | IntegrationRow
  | { readonly refused: string; readonly state: IntegrationState; readonly count?: number }

/** The state machine as a sequence of steps drives it. */
export interface Machine {
  readonly ledger: Ledger
  become(integration: string, next: IntegrationState): Promise<Became>
  /** The inventory sees a name; the number of rows it made, null where it may not look. */
  see(address: Address, side: Side): Promise<number | null>
  /** An operator accepts what is in quarantine. */
  accept(integration: string): Promise<object>
}

/** Claims and transitions of the same instant in one statement, as the ledger does with begins by itself. */
const gathered = (database: Database): Database => {
  const many = (name: string, text: string, column: string) =>
    makeGroup<object, object>({
      parallel: 4,
      max: 256,
      send: async (questions) => {
        const rows = await database.query<Record<string, object>>(name, text, [JSON.stringify(questions)])
        const of = (question: object) => rows[questions.indexOf(question)]?.[column]
        return answersTo(questions, itself, (question) => ({ [column]: of(question) }))
      },
    })
  const claims = many(
    'claims',
    'select crossfade.claim(e.q) as claims from jsonb_array_elements($1::jsonb) with ordinality e (q, n) order by n',
    'claims',
  )
  const becomes = many(
    'becomes',
    `select crossfade.transition(e.q ->> 'integration', e.q ->> 'next') as answer
       from jsonb_array_elements($1::jsonb) with ordinality e (q, n) order by n`,
    'answer',
  )
  return {
    ...database,
    query: async <R>(name: string | null, text: string, values: readonly unknown[]) => {
      if (name === 'crossfade-claim') return [(await claims.ask(JSON.parse(values[0] as string))) as R]
      if (name === 'become') return [(await becomes.ask({ integration: values[0], next: values[1] })) as R]
      return database.query<R>(name, text, values)
    },
  }
}

/** The SQL ledger through its own adapter. */
export const sqlMachine = (database: Database): Machine => {
  const together = gathered(database)
  return {
    ledger: makePostgresLedger(together),
    become: async (integration, next) => {
      const [row] = await together.query<{ answer: Became }>('become', '', [integration, next])
      return (row as { answer: Became }).answer
    },
    see: async ({ integration, customer, name }, side) => {
      const page = JSON.stringify([{ customer, name, version: null }])
      const values = [integration, side, page]
      const text = 'select crossfade.inventory($1, $2, $3::jsonb, null) as made'
      const [row] = await database.query<{ made: number | null }>('see', text, values)
      return (row as { made: number | null }).made
    },
    accept: async (integration) => {
      const text = 'select crossfade.accept_quarantine($1) as answer'
      const [row] = await database.query<{ answer: object }>('accept', text, [integration])
      return (row as { answer: object }).answer
    },
  }
}

/** Nothing waits and nothing fails here: each statement is carried out where it is called. It has only what `connect` uses. */
const undisturbed = (now: () => number) =>
  ({
    now,
    step: async (_owner, _label, act) => act(),
    draw: () => 0,
    tell: () => undefined,
  }) satisfies Pick<World, 'now' | 'step' | 'draw' | 'tell'> as unknown as World

const FOLLOWS: Readonly<Record<IntegrationState, readonly IntegrationState[]>> = {
  bare: ['enrolling'],
  enrolling: ['enrolled', 'bare'],
  enrolled: ['finalizing', 'abandoning'],
  finalizing: ['new-only', 'enrolled'],
  'new-only': ['finalized'],
  finalized: [],
  abandoning: ['legacy-only', 'enrolled'],
  'legacy-only': ['bare'],
}

/** Which side no row may have as its fresh one when the state is entered. */
const LEFT_BEHIND: Partial<Record<IntegrationState, string>> = { 'new-only': 'legacy', 'legacy-only': 'new' }

const become = (state: LedgerState, integration: string, next: IntegrationState): Became => {
  const was = state.integrations.get(integration) ?? { integration, state: 'bare', epoch: 1, inventoried: false }
  state.integrations.set(integration, was)
  if (was.state === next) return was
  if (!FOLLOWS[was.state].includes(next)) return { refused: 'order', state: was.state }
  const side = LEFT_BEHIND[next]
  const rows = [...state.rows.values()].map(({ row }) => row)
  const count = rows.filter((row) => Object.keys(row.ops).length > 0 || row.fresh === side).length
  if (side !== undefined && count > 0) return { refused: 'debts', state: was.state, count }
  if (next === 'enrolling') state.rows.clear()
  const inventoried = was.inventoried && next !== 'bare' && next !== 'enrolling'
  const now = { ...was, state: next, epoch: was.epoch + 1, inventoried }
  state.integrations.set(integration, now)
  return now
}

const see = (state: LedgerState, address: Address, side: Side): number | null => {
  if (state.integrations.get(address.integration)?.state !== 'enrolled') return null
  const key = addressKey(address)
  const found = state.rows.get(key)?.row ?? null
  state.rows.set(key, { address, row: rowSeen(found, side) })
  return found === null ? 1 : 0
}

const accept = (state: LedgerState, now: number): object => {
  const quarantined = [...state.rows.values()].filter(
    ({ row }) => row.quarantine !== null && Object.values(row.ops).every((op) => op.until < now),
  )
  const handed = quarantined.filter(({ row }) => row.quarantine === 'foreign' && row.fresh === 'legacy').length
  for (const entry of quarantined) entry.row = rowAccepted(state.rules.expire(entry.row, now))
  return { handed_over: handed, left_behind: quarantined.length - handed }
}

/** The simulated ledger of one integration. */
export const simMachine = (state: LedgerState, now: () => number): Machine => ({
  ledger: connect(state, undisturbed(now), 'sim'),
  become: async (integration, next) => become(state, integration, next),
  see: async (address, side) => see(state, address, side),
  accept: async () => accept(state, now()),
})
