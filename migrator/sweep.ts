import { byteOrder } from '../backends/secret-text.ts'
import type { ClaimQuery, Position } from '../ledger/ledger.ts'
import type { Wanted } from '../ledger/postgres/owing.ts'
import { type SettleDeps, type SettleKind, type SettleReport, settle } from '../ledger/settle.ts'
import { nextBatch, type PassTaken } from './batch-size.ts'
import { type PacedDeps, paced } from './pace/paced.ts'
import { makePasses } from './passes.ts'
import { type Patience, persist, waitInSlice } from './patience.ts'
import type { Watch } from './stages.ts'

/*
 * One sweep over the debts. First come the debts of live traffic, then the never-copied secrets in the order of their
 * names: a walk along one index, where taking the next debt again and again would wade through all that was settled
 * before. How large a pass is, and when it begins, the pace says; a store that is too slow for a batch gets smaller ones.
 */
export interface SweepDeps extends SettleDeps, PacedDeps {
  readonly batch: number
  /** ms for which a pass holds its claims. */
  readonly lease: number
  readonly patience: number
  readonly onSettled?: (integration: string, kind: SettleKind, secrets: number) => void
}

export type SweepTally = Record<SettleKind, number>

export const emptyTally = (): SweepTally => ({ equal: 0, later: 0, quarantine: 0, unknown: 0, overtaken: 0 })

/** Where a sweep is. */
export interface Sweep {
  /** The ledger's time when it began. */
  readonly since: string
  /** When it began. */
  readonly debts: number
  readonly total: number
  readonly troubles: number
  /** Secrets that its passes asked for. */
  readonly taken: number
  /** How far the walk along the names has come; null: it is among the debts of live traffic. */
  readonly names: { readonly after: Position | null } | null
}

export interface Work {
  readonly deps: SweepDeps
  readonly wanted: Wanted
  readonly watch: Watch
  readonly patience: Patience
  readonly tally: SweepTally
  sweep: Sweep
  /** Secrets that the next pass takes. */
  batch: number
  reason: string | null
}

/** `clean`: no store refused anything and no outcome is unknown. */
export async function sweep(work: Work): Promise<'clean' | 'troubled' | 'over'> {
  const { deps, tally, watch } = work
  const { debts, total, troubles } = work.sweep
  const walk = makeWalk(work)
  let dry = false
  const isOn = (): boolean => work.sweep.taken <= debts + 2 * deps.batch && !dry
  await runPasses(work, isOn, async (limit) => {
    if (dry) return 0
    const { reports, isEnd } = await settleNext(work, walk, limit, (pass) => persist(deps, watch.signal, pass))
    watch.progress(doneOf(work), Math.max(total, doneOf(work)))
    if (isEnd) dry = true
    if (!(await standing(work, reports))) dry = true
    return reports.length
  })
  watch.signal.throwIfAborted()
  if (watch.over.aborted && !dry && work.sweep.taken <= debts + 2 * deps.batch) return 'over'
  return tally.later + tally.unknown === troubles ? 'clean' : 'troubled'
}

/**
 * What a worker beside the one that leads the run does: the never-copied secrets behind `after`, until there are no more
 * or the slice is over. Claims of the two never meet, and what goes wrong here is met again by who leads.
 */
export async function help(work: Work): Promise<void> {
  const walk = makeWalk(work)
  let dry = false
  await runPasses(
    work,
    () => !dry,
    async (limit) => {
      if (dry) return 0
      const { reports, isEnd } = await settleNext(work, walk, limit, (pass) => pass())
      // Waiting for a store is the business of who leads.
      if (isEnd || isRefused(reports)) dry = true
      return reports.length
    },
  )
}

type Reports = readonly SettleReport[]

/** One settle pass from where the walk is. `isEnd`: there was no more. */
async function settleNext(
  work: Work,
  walk: ReturnType<typeof makeWalk>,
  limit: number,
  attempt: (pass: () => Promise<Reports>) => Promise<Reports>,
): Promise<{ readonly reports: Reports; readonly isEnd: boolean }> {
  const { deps } = work
  const query = walk.next(limit)
  const start = deps.clock.monotonic()
  const reports = await attempt(() => settle(deps, query))
  count(work, reports, { limit, ms: deps.clock.monotonic() - start })
  return { reports, isEnd: walk.took(query, reports) === 'end' }
}

/** Pass after pass, as the pace gives leave, while `isOn` and the slice lasts; resolves when all of them have ended. */
async function runPasses(work: Work, isOn: () => boolean, pass: (limit: number) => Promise<number>): Promise<void> {
  const { deps, watch, wanted } = work
  const passes = makePasses()
  try {
    while (isOn() && !passes.failed && !watch.over.aborted) {
      const share = await paced(deps, wanted.integration, work.batch, watch)
      if (share === 'over') break
      // While it waited another pass may have found the batch to be too much.
      const limit = Math.min(share.secrets, work.batch)
      passes.add(() => pass(limit), share)
    }
  } finally {
    await passes.idle()
  }
}

/** Passes that run beside each other share it. */
function makeWalk(work: Work) {
  const { wanted, deps } = work
  const names = (): Sweep['names'] => work.sweep.names
  const go = (change: Partial<Sweep>): void => {
    work.sweep = { ...work.sweep, ...change }
  }
  return {
    next: (limit: number): ClaimQuery => {
      const at = names()
      go({ taken: work.sweep.taken + limit })
      const where = at === null ? {} : { neverCopied: { after: at.after } }
      return { ...wanted, ...where, limit, lease: deps.lease }
    },
    took: ({ neverCopied, limit }: ClaimQuery, reports: readonly SettleReport[]): 'on' | 'end' => {
      const isShort = reports.length < limit
      if (neverCopied === undefined) {
        if (wanted.source === 'new') return isShort ? 'end' : 'on'
        if (names() === null && (isShort || reports.some((report) => report.neverCopied)))
          go({ names: { after: null } })
        return 'on'
      }
      const at = names()
      const last = reports.at(-1)
      if (at !== null && last !== undefined) go({ names: { after: later(at.after, last.address) } })
      return isShort ? 'end' : 'on'
    },
  }
}

/** Passes end in any order: the place only ever moves on. */
const later = (a: Position | null, { customer, name }: Position): Position =>
  a !== null && (byteOrder(a.customer, customer) || byteOrder(a.name, name)) > 0 ? a : { customer, name }

const isRefused = (reports: readonly SettleReport[]): boolean =>
  reports.length > 0 && reports.every((report) => report.kind === 'later' || report.kind === 'unknown')

/** After a pass in which nothing but refusals came back, waits; false when that has gone on for too long. */
async function standing({ watch, reason, patience }: Work, reports: readonly SettleReport[]): Promise<boolean> {
  const refused = isRefused(reports)
  watch.waiting(refused ? [reason ?? 'a store'] : [])
  if (refused) return waitInSlice(patience, watch)
  patience.well()
  return true
}

/** Secrets that the run has settled so far. */
export const doneOf = ({ tally, watch }: Pick<Work, 'tally' | 'watch'>): number =>
  tally.equal + tally.quarantine + watch.helped()

function count(work: Work, reports: readonly SettleReport[], took: Omit<PassTaken, 'reports'>): void {
  for (const { kind, reason } of reports) {
    work.tally[kind] += 1
    if (kind === 'later') work.reason = reason
    if (kind === 'unknown') work.reason = 'a put whose outcome is unknown'
  }
  const { deps, wanted } = work
  work.batch = nextBatch(deps.batch, work.batch, { ...took, reports })
  for (const [kind, group] of Object.entries(Object.groupBy(reports, (report) => report.kind))) {
    deps.onSettled?.(wanted.integration, kind as SettleKind, group?.length ?? 0)
  }
}
