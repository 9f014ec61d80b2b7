import { byteOrder } from '../backends/secret-text.ts'
import { SIDES, type Side } from '../core/side.ts'
import type { ClaimQuery, Position } from '../ledger/ledger.ts'
import type { Owing, Wanted } from '../ledger/postgres/owing.ts'
import { type SettleDeps, type SettleKind, type SettleReport, settle } from '../ledger/settle.ts'
import { makePasses } from './passes.ts'
import { makePatience, type Patience, persist } from './patience.ts'
import type { Watch } from './stages.ts'

/*
 * Sweeps of settle passes over the debts of one integration, until none is left, or what is left was written after the
 * last clean sweep began: then the backfill has caught up with the traffic, and the settler keeps up with it. A sweep
 * takes no more passes than its debts need, so that steady writes cannot keep it going. A store that is too slow for a
 * batch gets smaller ones. There is nothing to resume: the rows say what is owed.
 *
 * First come the debts of live traffic, then the never-copied secrets in the order of their names: a walk along one index,
 * where taking the next debt again and again would wade through all that was settled before.
 */
export interface BackfillDeps extends SettleDeps {
  readonly owing: (integration: string, since: string | null) => Promise<Owing>
  readonly batch: number
  readonly concurrency: number
  /** ms for which a pass holds its claims. */
  readonly lease: number
  readonly patience: number
  readonly onSettled?: (integration: string, kind: SettleKind, secrets: number) => void
}

export type SettleTally = Readonly<Record<SettleKind, number>>

export interface BackfillResult {
  /** `partial`: something could not be settled for as long as patience lasted; repeating tries again. */
  readonly kind: 'done' | 'partial'
  readonly settled: SettleTally
  /** Debts at the end that are not quarantined. */
  readonly left: number
  /** The last refusal of a store. */
  readonly reason: string | null
}

interface Work {
  readonly deps: BackfillDeps
  readonly wanted: Wanted
  readonly watch: Watch
  readonly patience: Patience
  readonly tally: Record<SettleKind, number>
  /** Least debts that were ever left. */
  least: number
  /** Secrets that the next pass takes. */
  batch: number
  reason: string | null
}

/** Rejects when aborted, between two passes: what was claimed is settled first. */
export async function backfill(deps: BackfillDeps, wanted: Wanted, watch: Watch): Promise<BackfillResult> {
  const patience = makePatience({ clock: deps.clock, limit: deps.patience })
  const tally = { equal: 0, later: 0, quarantine: 0, unknown: 0, overtaken: 0 }
  let before = await owing({ deps, wanted, watch }, null)
  const least = left(before.fresh, wanted)
  const work: Work = { deps, wanted, watch, patience, tally, least, batch: deps.batch, reason: null }
  for (;;) {
    if (left(before.fresh, wanted) === 0) return result(work, 'done', 0)
    const clean = await sweep(work, left(before.fresh, wanted))
    const now = await owing(work, before.now)
    const rest = left(now.fresh, wanted)
    if (rest === 0 || (clean && left(now.untouched, wanted) === 0)) return result(work, 'done', rest)
    if (!(await goesOn(work, rest))) return result(work, 'partial', rest)
    before = now
  }
}

const owing = (
  { deps, wanted, watch }: Pick<Work, 'deps' | 'wanted' | 'watch'>,
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

/** Fewer debts than ever before is what counts as going well: every new write settles, too, and proves nothing. */
async function goesOn(work: Work, rest: number): Promise<boolean> {
  if (rest < work.least) {
    work.least = rest
    work.patience.well()
    return true
  }
  return work.patience.wait(work.watch.signal)
}

/** True if no store refused anything and no outcome is unknown. */
async function sweep(work: Work, debts: number): Promise<boolean> {
  const { deps, tally, watch } = work
  const troubles = tally.later + tally.unknown
  const total = done(work) + debts
  const passes = makePasses(deps.concurrency)
  const patience = makePatience({ clock: deps.clock, limit: deps.patience })
  const walk = makeWalk(work.wanted)
  let dry = false
  for (let taken = 0; taken <= debts + 2 * deps.batch && !dry && !passes.failed; taken += work.batch) {
    await passes.add(async () => {
      if (dry) return
      const { batch } = work
      const query = { ...work.wanted, ...walk.next(), limit: batch, lease: deps.lease }
      const reports = await persist(deps, watch.signal, () => settle(deps, query))
      count(work, reports)
      work.batch = nextBatch(deps.batch, batch, reports)
      watch.progress(done(work), Math.max(total, done(work)))
      if (walk.took(query, reports) === 'end') dry = true
      if (!(await standing(work, patience, reports))) dry = true
    })
  }
  await passes.idle()
  watch.signal.throwIfAborted()
  return tally.later + tally.unknown === troubles
}

/** Where a sweep is; passes that run beside each other share it. */
function makeWalk({ source }: Wanted) {
  let names: { after: Position | null } | null = null
  return {
    next: (): Pick<ClaimQuery, 'neverCopied'> => (names === null ? {} : { neverCopied: { after: names.after } }),
    took: ({ neverCopied, limit }: ClaimQuery, reports: readonly SettleReport[]): 'on' | 'end' => {
      const isShort = reports.length < limit
      if (neverCopied === undefined) {
        if (source === 'new') return isShort ? 'end' : 'on'
        if (isShort || reports.some((report) => report.neverCopied)) names ??= { after: null }
        return 'on'
      }
      const last = reports.at(-1)
      if (names !== null && last !== undefined) names.after = later(names.after, last.address)
      return isShort ? 'end' : 'on'
    },
  }
}

/** Passes end in any order: the place only ever moves on. */
const later = (a: Position | null, { customer, name }: Position): Position =>
  a !== null && (byteOrder(a.customer, customer) || byteOrder(a.name, name)) > 0 ? a : { customer, name }

const TOO_SLOW: ReadonlySet<string | null> = new Set(
  ['late', 'timeout'].flatMap((reason) => [`source: ${reason}`, `target: ${reason}`]),
)

/** Half of what was too much for a store's deadline, then more by a hundredth of the configured size at a time. */
function nextBatch(most: number, now: number, reports: readonly SettleReport[]): number {
  const slow = reports.some((report) => report.kind === 'unknown' || TOO_SLOW.has(report.reason))
  return slow ? Math.max(1, Math.floor(now / 2)) : Math.min(most, now + Math.ceil(most / 100))
}

/** After a pass in which nothing but refusals came back, waits; false when that has gone on for too long. */
async function standing({ watch, reason }: Work, patience: Patience, reports: readonly SettleReport[]) {
  const refused = reports.length > 0 && reports.every((report) => report.kind === 'later' || report.kind === 'unknown')
  watch.waiting(refused ? [reason ?? 'a store'] : [])
  if (refused) return patience.wait(watch.signal)
  patience.well()
  return true
}

const done = ({ tally }: Work): number => tally.equal + tally.quarantine

function count(work: Work, reports: readonly SettleReport[]): void {
  for (const { kind, reason } of reports) {
    work.tally[kind] += 1
    if (kind === 'later') work.reason = reason
    if (kind === 'unknown') work.reason = 'a put whose outcome is unknown'
  }
  const { deps, wanted } = work
  for (const [kind, group] of Object.entries(Object.groupBy(reports, (report) => report.kind))) {
    deps.onSettled?.(wanted.integration, kind as SettleKind, group?.length ?? 0)
  }
}
