import { randomUUID } from 'node:crypto'
import { type Answers, answeredEach, answersTo, itself } from '../../backends/answers.ts'
import type { Address } from '../../backends/secret.ts'
import type { Side } from '../../core/side.ts'
import { ledgerFault } from '../faults.ts'
import type {
  BeginAnswer,
  BeginRequest,
  Claim,
  ClaimQuery,
  Debt,
  FinishAnswer,
  FinishRequest,
  IntegrationRow,
  IntegrationState,
  Ledger,
  RowView,
  SettleRequest,
} from '../ledger.ts'
import type { Database } from './database.ts'
import { type Group, makeGroup } from './group.ts'

interface ClaimRow extends Omit<Claim, 'address' | 'versions'>, Address {
  readonly legacy: string | null
  readonly new: string | null
}

/** A row as `ask` reads it; bigint columns come as text. */
interface AskRow extends Omit<RowView, 'seq' | 'version' | 'fresh'> {
  readonly state: IntegrationState
  readonly fresh: RowView['fresh'] | null
  readonly seq: string
  readonly version: string
}

/** How calls of the same instant are gathered: so many batches on their way at once, of so many calls each. */
export interface Batches {
  readonly parallel: number
  readonly max: number
}

const BATCHES: Batches = { parallel: 4, max: 256 }

const flat = (request: { readonly address: Address }): object => {
  const { address, ...rest } = request
  return { ...address, ...rest }
}

/** The SQL functions take a JSON array and answer with an object by operation id. */
const byOp = <Q extends { readonly op: string; readonly address: Address }, A>(
  database: Database,
  batches: Batches,
  fn: 'begin_all' | 'finish_all' | 'settled_all',
  wire: (question: Q) => object = flat,
): Group<Q, A> =>
  makeGroup<Q, A>({
    ...batches,
    send: async (questions) => {
      const [row] = await database.query<{ answers: Record<string, A> }>(
        `crossfade-${fn}`,
        `select crossfade.${fn}($1::jsonb) as answers`,
        [JSON.stringify(questions.map(wire))],
      )
      return answersByOp<Q, A>(fn, row?.answers ?? {})
    },
  })

/** Known by its operation: what the ledger says nothing of is not known, and never another one's answer. */
const answersByOp = <Q extends { readonly op: string }, A>(
  fn: string,
  answers: Readonly<Record<string, A>>,
): Answers<Q, A> => ({
  of: ({ op }) => {
    const answer = Object.hasOwn(answers, op) ? answers[op] : undefined
    if (answer === undefined) throw ledgerFault('ledger-unavailable', `${fn} said nothing of an operation`)
    return answer
  },
})

const wireBegin = ({ plan, ...request }: BeginRequest): object => flat({ ...request, ...plan })

const ASK = `
  select coalesce(i.state, 'bare') as state, s.fresh, s.seq, s.deleted, s.gone, s.current, s.version, s.blank, s.quarantine,
         coalesce((select count(*)::int from jsonb_object_keys(s.ops)), 0) as open,
         coalesce((select count(*)::int from jsonb_each(s.ops) o where o.value ->> 'k' <> 'settle'), 0) as writing
  from (values ($1, $2, $3)) a (integration, customer, name)
  left join crossfade.integration i on i.name = a.integration
  left join crossfade.secret s on (s.integration, s.customer, s.name) = (a.integration, a.customer, a.name)`

const DEBTS = `
  select integration, customer, name, fresh, seq from crossfade.secret
  where fresh <> 'both' and not blank and (integration, customer, name) > ($1, $2, $3)
  order by integration, customer, name limit $4`

const INTEGRATIONS = `
  select name as integration, state, epoch::float8 as epoch, inventoried, case when enrolled_with is not null then
    jsonb_build_object('legacy', enrolled_with #> '{legacy,id}', 'new', enrolled_with #> '{new,id}') end as ids
  from crossfade.integration`

export function makePostgresLedger(database: Database, batches = BATCHES): Ledger {
  const begins = byOp<BeginRequest, BeginAnswer>(database, batches, 'begin_all', wireBegin)
  const finishes = byOp<FinishRequest, FinishAnswer>(database, batches, 'finish_all')
  const settles = byOp<SettleRequest, FinishAnswer>(database, batches, 'settled_all')
  const knowns = makeGroup<{ address: Address; seq: number }, null>({
    ...batches,
    send: async (all) => {
      await database.query('crossfade-known_all', 'select crossfade.known_all($1::jsonb)', [
        JSON.stringify(all.map(flat)),
      ])
      return answersTo(all, itself, () => null)
    },
  })

  const integrations = () => database.query<IntegrationRow>('crossfade-integrations', INTEGRATIONS, [])

  return {
    begin: (request) => begins.ask(request),
    finish: (request) => finishes.ask(request),
    known: async (address, seq) => {
      await knowns.ask({ address, seq })
    },
    claim: async (query) => {
      const [row] = await database.query<{ claims: readonly ClaimRow[] }>(
        'crossfade-claim',
        'select crossfade.claim($1::jsonb) as claims',
        [JSON.stringify(wireClaim(query))],
      )
      return (row?.claims ?? []).map(toClaim)
    },
    settled: (requests) => answeredEach(requests, itself, (request) => settles.ask(request)),
    ask: async (address) => {
      const { integration, customer, name } = address
      const [row] = await database.query<AskRow>('crossfade-ask', ASK, [integration, customer, name])
      return toAnswer(row as AskRow)
    },
    debts: async (after, limit) => {
      const from = [after?.integration ?? '', after?.customer ?? '', after?.name ?? '']
      const rows = await database.query<DebtRow>('crossfade-debts', DEBTS, [...from, limit])
      return rows.map(toDebt)
    },
    integrations,
  }
}

function wireClaim({ only, limit, ...query }: ClaimQuery): object {
  const ops = Array.from({ length: only === undefined ? limit : 1 }, () => randomUUID())
  return { ...query, ops, ...(only === undefined ? {} : { customer: only.customer, name: only.name }) }
}

function toClaim({ integration, customer, name, legacy, new: fresh, ...claim }: ClaimRow): Claim {
  return {
    ...claim,
    address: { integration, customer, name },
    versions: { ...(legacy === null ? {} : { legacy }), ...(fresh === null ? {} : { new: fresh }) },
  }
}

function toAnswer({ state, fresh, seq, version, ...row }: AskRow) {
  return {
    state,
    row: fresh === null ? null : { ...row, fresh, seq: Number(seq), version: Number(version) },
  }
}

interface DebtRow extends Address {
  readonly fresh: Side
  readonly seq: string
}

const toDebt = ({ fresh, seq, ...address }: DebtRow): Debt => ({
  address,
  fresh,
  seq: Number(seq),
})
