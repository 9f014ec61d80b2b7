import type { ScanPage, Store } from '../backends/store.ts'
import type { Clock } from '../core/clock.ts'
import { SIDES, type Side } from '../core/side.ts'
import type { IntegrationRow } from '../ledger/ledger.ts'
import type { Counts } from '../ledger/postgres/progress.ts'
import { risksOf, type Silence } from './risks.ts'
import { rowOf } from './row.ts'
import { type CopyKind, type CopyStage, ORDERS, type RunKind, type Stage } from './stages.ts'
import { type Unaddressed, unaddressedWords } from './unaddressed.ts'
import { wayOn } from './way-on.ts'

/** What a run would do. Making it writes nothing, to the ledger or to a store. */
export interface MigrationPlan {
  readonly kind: 'plan'
  readonly integration: string
  readonly what: RunKind
  readonly state: IntegrationRow['state']
  readonly stores: Readonly<Record<Side, string>>
  readonly stages: readonly PlannedStage[]
  /** From the ledger; null while the integration is not enrolled. */
  readonly counts: Counts | null
  /** Names that each store lists; null where it is not enrolled and the store did not answer, or where `counts` says it. */
  readonly names: Readonly<Record<Side, NameCount | null>>
  /** The phase of each cohort, as a sentence. */
  readonly phases: readonly string[]
  /** What must be there before it can begin. */
  readonly missing?: readonly string[]
  readonly risks: readonly string[]
  readonly next: readonly string[]
}

export interface PlannedStage {
  readonly stage: Stage
  readonly what: string
  /** False: it is done already. */
  readonly needed: boolean
}

/** `more`: counting stopped there, the store lists more. */
export interface NameCount {
  readonly names: number
  readonly more: boolean
}

export interface PlanDeps {
  readonly integrations: () => Promise<readonly IntegrationRow[]>
  readonly counts: (integration: string) => Promise<Counts>
  readonly stores: (integration: string) => Readonly<Record<Side, Store>>
  readonly phases: (integration: string) => readonly string[]
  readonly unaddressed: (integration: string) => Promise<Unaddressed>
  readonly clock: Clock
  readonly page: number
  readonly deadline: number
}

/** Pages that a plan counts at most on each side; a plan answers in a second or two. */
const PAGES = 20

/** `only`: these stages; left out: all of the kind. */
export async function plan(
  deps: PlanDeps,
  integration: string,
  kind: CopyKind,
  only?: readonly CopyStage[],
): Promise<MigrationPlan> {
  const row = await rowOf(deps, integration)
  const state = row?.state ?? 'bare'
  const stores = deps.stores(integration)
  const counts = state === 'bare' ? null : await deps.counts(integration)
  const inventoried = row?.inventoried ?? false
  const [legacy, fresh] = await Promise.all(
    SIDES.map((side) => (inventoried ? null : countNames(deps, stores[side], integration))),
  )
  const names = { legacy: legacy ?? null, new: fresh ?? null }
  const stages = only ?? ORDERS[kind].stages
  const lack = lackOf(row, stages)
  const words = kind === 'reverse' ? null : unaddressedWords(await deps.unaddressed(integration))
  const behind = words === null ? [] : [words]
  const silence = { legacy: await silenceOf(deps, stores.legacy), new: await silenceOf(deps, stores.new) }
  return {
    kind: 'plan',
    integration,
    what: kind,
    state,
    stores: { legacy: stores.legacy.name, new: stores.new.name },
    stages: stages.map((stage) => describe(stage, { kind, state, inventoried, counts, names })),
    counts,
    names,
    phases: deps.phases(integration),
    risks: [...risksOf({ state, kind, inventoried, stores, counts, names, silence }), ...behind],
    ...(lack === null ? {} : { missing: [lack] }),
    next:
      lack === null
        ? nextOf(integration, kind, counts, only)
        : [wayOn(integration, state) ?? `crossfade status ${integration}`],
  }
}

const isLeaving = (state: IntegrationRow['state']): boolean =>
  state !== 'bare' && state !== 'enrolling' && state !== 'enrolled'

/** Why these stages cannot begin, or null: what an earlier one leaves has to be there. */
export function lackOf(
  row: Pick<IntegrationRow, 'state' | 'inventoried'> | null,
  stages: readonly Stage[],
): string | null {
  const state = row?.state ?? 'bare'
  if (stages.includes('enrol')) return isLeaving(state) ? `it is ${state}, and is not enrolled again from there` : null
  if (state !== 'enrolled') return `it is ${state}, not enrolled`
  const isBlind = stages.includes('verify') && !stages.includes('inventory') && !row?.inventoried
  return isBlind ? 'no inventory was taken' : null
}

export interface Known {
  readonly kind: CopyKind
  readonly state: IntegrationRow['state']
  readonly inventoried: boolean
  readonly counts: Counts | null
  readonly names: Readonly<Record<Side, NameCount | null>>
}

function describe(stage: CopyStage, known: Known): PlannedStage {
  const { state, inventoried, counts, names, kind } = known
  const atLeast = (count: NameCount | null): string =>
    count === null ? 'all' : `the ${count.more ? 'more than ' : ''}${count.names}`
  switch (stage) {
    case 'enrol': {
      const needed = state === 'bare' || state === 'enrolling'
      return { stage, needed, what: 'every replica tracks writes in the ledger; clients notice nothing' }
    }
    case 'inventory': {
      const what = `record the names of ${atLeast(names.legacy)} secrets of legacy and of ${atLeast(names.new)} of new`
      return { stage, needed: !inventoried, what: inventoried ? 'every name is recorded' : what }
    }
    case 'backfill': {
      // The counts do not tell which side owes.
      if (kind === 'reverse') return { stage, needed: true, what: 'carry what only new holds back to legacy' }
      const what = inventoried ? `settle ${counts?.left ?? 0} secrets` : `copy ${atLeast(names.legacy)} secrets`
      return { stage, needed: !inventoried || (counts?.left ?? 0) > 0, what: `${what} ${DIRECTION[kind]}` }
    }
    case 'verify':
      return { stage, needed: true, what: 'compare every secret of both sides by fingerprint' }
  }
}

const DIRECTION: Readonly<Record<CopyKind, string>> = {
  migrate: 'from legacy to new',
  verify: '',
  reverse: 'from new to legacy',
}

function nextOf(
  integration: string,
  kind: CopyKind,
  counts: Counts | null,
  only: readonly CopyStage[] | undefined,
): readonly string[] {
  const stage = only === undefined ? '' : ` --stage ${only.join()}`
  const run = `crossfade ${kind} ${integration}${stage} --execute --reason "..."`
  return (counts?.quarantined ?? 0) > 0 ? [`crossfade quarantine list ${integration}`, run] : [run]
}

async function countNames(deps: PlanDeps, store: Store, integration: string): Promise<NameCount | null> {
  let names = 0
  let after: ScanPage['after'] = null
  for (let pages = 0; pages < PAGES; pages += 1) {
    const call = { deadline: deps.clock.monotonic() + deps.deadline }
    const page = await store.scan(integration, { after, limit: deps.page }, call)
    if (page.kind === 'error') return null
    names += page.entries.length
    after = page.next
    if (after === null) return { names, more: false }
  }
  return { names, more: true }
}

/** Why the store cannot be used now; null: it answers. */
async function silenceOf({ clock, deadline }: PlanDeps, store: Store): Promise<Silence | null> {
  const outcome = await store.ping({ deadline: clock.monotonic() + deadline })
  return outcome.kind === 'ok' ? null : outcome.reason
}
