import { SIDES, type Side } from '../core/side.ts'
import type { Owing, Wanted } from '../ledger/postgres/owing.ts'
import { makePatience, persist, waitInSlice } from './patience.ts'
import type { More, Watch } from './stages.ts'
import { doneOf, emptyTally, type Sweep, type SweepDeps, type SweepTally, sweep, type Work } from './sweep.ts'

/*
 * Sweeps of settle passes over the debts of one integration, until none is left, or what is left was written after the
 * last clean sweep began: then the backfill has caught up with the traffic, and the settler keeps up with it. A sweep
 * takes no more passes than its debts need, so that steady writes cannot keep it going. The rows say what is owed; what a
 * slice leaves to the next one are figures, and a place to go on from, which nothing relies on.
 */
export interface BackfillDeps extends SweepDeps {
  readonly owing: (integration: string, since: string | null) => Promise<Owing>
}

export type SettleTally = Readonly<SweepTally>

export interface BackfillResult {
  /** `partial`: something could not be settled for as long as patience lasted; repeating tries again. */
  readonly kind: 'done' | 'partial'
  readonly settled: SettleTally
  /** Debts at the end that are not quarantined. */
  readonly left: number
  /** The last refusal of a store. */
  readonly reason: string | null
}

/** What one slice leaves to the next. */
interface From {
  readonly sweep: Sweep
  readonly tally: SettleTally
  readonly least: number
  readonly batch: number
  readonly reason: string | null
  /** ms without fewer debts, and without a store that took anything. */
  readonly idle: Readonly<Record<'debts' | 'stores', number>>
}

/** Rejects when aborted, between two passes: what was claimed is settled first. */
export async function backfill(deps: BackfillDeps, wanted: Wanted, watch: Watch): Promise<BackfillResult | More> {
  const from = (watch.from as From | null) ?? (await start(deps, wanted, watch))
  const patience = makePatience({ clock: deps.clock, limit: deps.patience, idle: from.idle.debts })
  const stores = makePatience({ clock: deps.clock, limit: deps.patience, idle: from.idle.stores })
  const work: Work = { ...from, deps, wanted, watch, patience: stores, tally: { ...from.tally } }
  let { least } = from
  const more = (): More => {
    const { tally, batch, reason } = work
    const idle = { debts: patience.idle(), stores: stores.idle() }
    return { kind: 'more', at: { sweep: work.sweep, tally, least, batch, reason, idle } satisfies From }
  }
  for (;;) {
    if (work.sweep.debts === 0) return result(work, 'done', 0)
    const swept = await sweep(work)
    if (swept === 'over') return more()
    const now = await owing({ deps, wanted, watch }, work.sweep.since)
    const rest = left(now.fresh, wanted)
    if (rest === 0 || (swept === 'clean' && left(now.untouched, wanted) === 0)) return result(work, 'done', rest)
    // Fewer debts than ever before is what counts as going well: every new write settles, too, and proves nothing.
    if (rest < least) patience.well()
    else if (!(await waitInSlice(patience, watch))) return result(work, 'partial', rest)
    least = Math.min(least, rest)
    work.sweep = sweepOf(now, work)
    if (watch.over.aborted) return more()
  }
}

async function start(deps: BackfillDeps, wanted: Wanted, watch: Watch): Promise<From> {
  const tally = emptyTally()
  const now = await owing({ deps, wanted, watch }, null)
  const first = sweepOf(now, { wanted, tally, watch })
  return {
    sweep: first,
    tally,
    least: first.debts,
    batch: deps.batch,
    reason: null,
    idle: { debts: 0, stores: 0 },
  }
}

const sweepOf = (now: Owing, work: Pick<Work, 'wanted' | 'tally' | 'watch'>): Sweep => {
  const debts = left(now.fresh, work.wanted)
  return {
    since: now.now,
    debts,
    taken: 0,
    total: doneOf(work) + debts,
    troubles: work.tally.later + work.tally.unknown,
    names: null,
  }
}

const owing = (
  { deps, wanted, watch }: { deps: BackfillDeps } & Pick<Work, 'wanted' | 'watch'>,
  since: string | null,
): Promise<Owing> => persist(deps, watch.signal, () => deps.owing(wanted.integration, since))

const left = (counts: Readonly<Record<Side, number>>, { source }: Wanted): number =>
  SIDES.reduce((sum, side) => (source === null || source === side ? sum + counts[side] : sum), 0)

const result = (work: Work, kind: BackfillResult['kind'], rest: number): BackfillResult => ({
  kind,
  settled: { ...work.tally },
  left: rest,
  reason: kind === 'partial' ? (work.reason ?? 'writers are faster than settling') : null,
})
