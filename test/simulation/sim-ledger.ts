import { answersTo, itself } from '../../backends/answers.ts'
import { type Address, addressKey } from '../../backends/secret.ts'
import { ledgerFault } from '../../ledger/faults.ts'
import type {
  BeginAnswer,
  Claim,
  ClaimQuery,
  Debt,
  FinishAnswer,
  IntegrationRow,
  IntegrationState,
  Ledger,
  Position,
  RowView,
} from '../../ledger/ledger.ts'
import type { RegisteredReplica, Replicas } from '../../ledger/postgres/replicas.ts'
import type { Row } from './row.ts'
import { type RowRules, rowBegin, rowClaim, rowFinish, rowSettled } from './row-rules.ts'
import type { World } from './world.ts'

/** What is durable: shared by all simulated processes, each of which reaches it through a connection of its own. */
export interface LedgerState {
  readonly rows: Map<string, { readonly address: Address; row: Row }>
  readonly integrations: Map<string, IntegrationRow>
  readonly replicas: Map<
    string,
    { name: string; until: number; revoked: boolean; applied: Readonly<Record<string, number>> }
  >
  readonly rules: RowRules
  ids: number
}

export const makeLedgerState = (rules: RowRules): LedgerState => ({
  rows: new Map(),
  integrations: new Map(),
  replicas: new Map(),
  rules,
  ids: 0,
})

const stateOf = (state: LedgerState, integration: string): IntegrationState =>
  state.integrations.get(integration)?.state ?? 'bare'

const VOID: FinishAnswer = { kind: 'void' }

/** A statement that gets lost: before it reached the ledger, or its answer afterwards. */
const FAULTS = 40

/** One process's connection to the ledger. Every statement is one step, and may be lost on the way there or back. */
export function connect(
  state: LedgerState,
  world: Pick<World, 'draw' | 'step' | 'now' | 'tell'>,
  owner: string,
): Ledger {
  const statement = async <T>(label: string, act: () => T): Promise<T> => {
    const fate = world.draw(FAULTS)
    if (fate === FAULTS - 1) {
      await world.step(owner, `${label}: lost on its way to the ledger`, () => undefined)
      throw ledgerFault('ledger-unavailable', 'simulated')
    }
    const answer = await world.step(owner, label, act)
    if (fate !== FAULTS - 2) return answer
    world.tell(`${owner}: ... and its answer is lost`)
    throw ledgerFault('ledger-unavailable', 'simulated')
  }
  const rowOf = (address: Address): Row | null => state.rows.get(addressKey(address))?.row ?? null
  const save = (address: Address, row: Row): void => {
    state.rows.set(addressKey(address), { address, row })
  }

  const begin: Ledger['begin'] = (request) =>
    statement(
      `begin ${request.kind} ${request.fingerprint} of ${request.address.name} as ${request.plan.first} first`,
      (): BeginAnswer => {
        const now = stateOf(state, request.address.integration)
        if (!state.rules.admits(now, request.plan)) return { kind: 'reload' }
        const { inventoried = false } = state.integrations.get(request.address.integration) ?? {}
        const found = { found: rowOf(request.address), state: now, inventoried }
        const { row, answer } = rowBegin(state.rules, found, request, world.now())
        save(request.address, row)
        return answer
      },
    )

  const finish: Ledger['finish'] = (request) =>
    statement(`finish ${request.outcome} of ${request.address.name}`, () => {
      const step = rowFinish(state.rules, rowOf(request.address), request)
      if (step !== null) save(request.address, step.row)
      return step?.answer ?? VOID
    })

  const claim = (query: ClaimQuery): readonly Claim[] => {
    const admitted: readonly IntegrationState[] = ['enrolled', 'finalizing', 'abandoning']
    if (!admitted.includes(stateOf(state, query.integration))) return []
    const due = [...state.rows.values()].filter(({ address, row }) => claimable(address, row, query, world.now()))
    due.sort((a, b) => (query.neverCopied ? byName(a.address, b.address) : byRank(a.row, b.row)))
    return due.slice(0, query.limit).map(({ address, row }) => {
      state.ids += 1
      const op = `settle-${state.ids}`
      const seen = state.rules.expire(row, world.now())
      save(address, rowClaim(state.rules, row, op, world.now(), query.lease))
      const { version, seq, loose, gone, blank, current, versions, quarantine, attempts } = seen
      return {
        op,
        address,
        version,
        source: seen.fresh === 'new' ? 'new' : 'legacy',
        seq,
        loose,
        gone,
        blank,
        current,
        versions,
        quarantine,
        attempts,
      }
    })
  }

  return {
    begin,
    finish,
    known: (address, seq) =>
      statement('known', () => {
        const row = rowOf(address)
        if (row !== null && row.seq === seq) save(address, { ...row, known: true })
      }),
    claim: (query) => statement('claim', () => claim(query)),
    settled: (requests) =>
      statement('settled', () =>
        answersTo(requests, itself, (request) => {
          const step = rowSettled(state.rules, rowOf(request.address), request, world.now())
          if (step !== null) save(request.address, step.row)
          return step?.answer ?? VOID
        }),
      ),
    ask: (address) =>
      statement(`asks for ${address.name}`, () => ({
        state: stateOf(state, address.integration),
        row: view(rowOf(address)),
      })),
    debts: (after, limit) =>
      statement('loads debts', () => {
        const key = after === null ? '' : addressKey(after)
        const rest = debtsOf(state).filter(({ address }) => addressKey(address) > key)
        return rest.sort((a, b) => compareText(addressKey(a.address), addressKey(b.address))).slice(0, limit)
      }),
    integrations: () => statement('reads the integrations', () => [...state.integrations.values()]),
  }
}

const claimable = (address: Address, row: Row, query: ClaimQuery, now: number): boolean =>
  address.integration === query.integration &&
  row.fresh !== 'both' &&
  (query.source === null || row.fresh === query.source) &&
  (query.only === undefined
    ? row.quarantine === null && row.settleAfter <= now
    : addressKey(address) === addressKey(query.only)) &&
  Object.values(row.ops).every((op) => op.until < now) &&
  (query.neverCopied === undefined || isNeverCopied(address, row, query.neverCopied.after))

const isNeverCopied = (address: Address, row: Row, after: Position | null): boolean =>
  row.fresh === 'legacy' && row.blank && (after === null || byName(address, after) > 0)

const byName = (a: Position, b: Position): number => compareText(a.customer, b.customer) || compareText(a.name, b.name)

/** The names of the simulation are ASCII, whose order by code unit is that by bytes. */
const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

/** The SQL ledger's order: what only new holds, then what live traffic left, then the never-copied; the longest due first. */
const byRank = (a: Row, b: Row): number =>
  Number(b.fresh === 'new') - Number(a.fresh === 'new') ||
  Number(a.blank) - Number(b.blank) ||
  Math.sign(a.settleAfter - b.settleAfter) ||
  0

export const debtsOf = (state: LedgerState): Debt[] =>
  [...state.rows.values()]
    .filter(({ row }) => row.fresh !== 'both' && !row.blank)
    .map(({ address, row }) => ({
      address,
      fresh: row.fresh === 'new' ? ('new' as const) : ('legacy' as const),
      seq: row.seq,
    }))

export const view = (row: Row | null): RowView | null =>
  row === null
    ? null
    : {
        fresh: row.fresh,
        seq: row.seq,
        deleted: row.deleted,
        gone: row.gone,
        current: row.current,
        version: row.version,
        open: Object.keys(row.ops).length,
        writing: Object.values(row.ops).filter(({ kind }) => kind !== 'settle').length,
        blank: row.blank,
        quarantine: row.quarantine,
      }

/** ms after which a row of the same name belongs to a process that is gone. */
const GONE_FOR = 5000

/** Registration and leases of the simulated replicas; the same statements as the SQL ones. */
export function connectReplicas(state: LedgerState, world: World, owner: string): Replicas {
  const list = (): readonly RegisteredReplica[] =>
    [...state.replicas].map(([id, r]) => ({
      id,
      name: r.name,
      live: r.until > world.now(),
      revoked: r.revoked,
      applied: r.applied,
    }))
  const sweep = (id: string, name: string | undefined): void => {
    for (const [other, r] of state.replicas)
      if (r.name === name && other !== id && r.until + GONE_FOR < world.now()) state.replicas.delete(other)
  }
  return {
    join: ({ id, name, lease }) =>
      world.step(owner, 'takes a lease', () => {
        sweep(id, name)
        state.replicas.set(id, { name, until: world.now() + lease, revoked: false, applied: {} })
      }),
    renew: ({ id, lease, applied }) =>
      world.step(owner, 'renews its lease', () => {
        const row = state.replicas.get(id)
        sweep(id, row?.name)
        const renewed = row !== undefined && !row.revoked && row.until > world.now()
        if (renewed) state.replicas.set(id, { ...row, until: world.now() + lease, applied })
        return { renewed, integrations: [...state.integrations.values()] }
      }),
    leave: (id) => world.step(owner, 'leaves', () => void state.replicas.delete(id)),
    relinquish: (id, registered) =>
      world.step(owner, 'gives its lease back', () => {
        const row = state.replicas.get(id)
        sweep(id, registered?.name)
        const until = world.now()
        if (registered !== undefined) state.replicas.set(id, { revoked: false, ...row, ...registered, until })
        else if (row !== undefined) state.replicas.set(id, { ...row, until })
      }),
    revoke: (ids) =>
      world.step(owner, `revokes the lease of ${ids.join(', ')}`, () => {
        const ends = ids.flatMap((id) => {
          const row = state.replicas.get(id)
          if (row === undefined) return []
          state.replicas.set(id, { ...row, revoked: true })
          return [row.until - world.now()]
        })
        return Math.max(0, ...ends)
      }),
    live: () => world.step(owner, 'lists the live replicas', () => list().filter((r) => r.live)),
    registered: () => world.step(owner, 'lists the replicas', list),
  }
}
