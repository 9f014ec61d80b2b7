import { ledgerFault } from '../ledger/faults.ts'
import type { Position } from '../ledger/ledger.ts'
import type { VerifyRow } from '../ledger/postgres/verification.ts'
import { makeFrontier } from './frontier.ts'
import type { Share } from './pace/pace.ts'
import { paced } from './pace/paced.ts'
import { makePasses } from './passes.ts'
import { makePatience, persist } from './patience.ts'
import { rowOf } from './row.ts'
import type { More, Watch } from './stages.ts'
import { FIRST_NAMES, findUnknown, type Listed } from './unknown-names.ts'
import {
  noTally,
  pageOf,
  present,
  ROUNDS,
  type Tally,
  tell,
  type VerifyDeps,
  type VerifyResult,
  type VerifyWord,
  verifyPage,
  type Work,
} from './verify-page.ts'

/*
 * Every row of the ledger, in pages: rows with a debt or an open operation are owing, no difference; of the others both
 * sides are read. Equal, and what the row knows: verified, unless the row has changed since. Anything else is suspected
 * and read again after a grace period; it is a mismatch only if it stays and the row was the same before the first look,
 * before the second and after it. At last both stores are listed, for names that no proxied write has made.
 *
 * A slice ends between two pages, and the next one begins behind the last page before which all of them have ended.
 */

/** Where a slice stopped; what it found is in the ledger by then, so that only figures are carried. */
interface From {
  /** The ledger's time when the first slice began. */
  readonly began: number
  readonly rows: Position | null | 'end'
  readonly names: Listed
  readonly tally: Tally
  readonly repaired: number
  readonly idle: number
}

/** Open at once are the operations of a moment; what is beyond this counts as owing without another look. */
const MOST_BUSY = 5000

/**
 * Throws `stage-refused` before the integration is inventoried; rejects when aborted. With `repair` a side that differs
 * from what the row knows is made equal to the one that does not.
 */
export async function verify(
  deps: VerifyDeps,
  integration: string,
  watch: Watch,
  options: { readonly repair: boolean } = { repair: false },
): Promise<VerifyResult | More> {
  await persist(deps, watch.signal, () => assertInventoried(deps, integration))
  const from = (watch.from as From | null) ?? (await start(deps, watch))
  const total = await persist(deps, watch.signal, () => deps.rows(integration))
  const patience = makePatience({ clock: deps.clock, limit: deps.patience, idle: from.idle })
  const { repaired } = from
  const tally = { ...from.tally }
  const stopped = { reason: null }
  const work: Work = { deps, integration, watch, patience, tally, total, ...options, busy: [], repaired, stopped }
  const rows = from.rows === 'end' ? from.rows : await verifyRows(work, from.rows)
  await verifyBusy(work)
  const names = rows === 'end' ? await verifyNames(work, from.names) : from.names
  if (work.stopped.reason === null && names !== null) {
    const at: From = { began: from.began, rows, names, tally, repaired: work.repaired, idle: patience.idle() }
    return { kind: 'more', at }
  }
  const result = resultOf(work)
  if (result.kind === 'done' && Object.values(result.mismatches).every((found) => found === 0))
    await persist(deps, watch.signal, () => deps.verification.whole(integration, from.began))
  return result
}

const start = async (deps: VerifyDeps, { signal }: Watch): Promise<From> => ({
  began: await persist(deps, signal, () => deps.verification.began()),
  rows: null,
  names: FIRST_NAMES,
  tally: noTally(),
  repaired: 0,
  idle: 0,
})

async function assertInventoried(deps: VerifyDeps, integration: string): Promise<void> {
  const row = await rowOf(deps, integration)
  if (row?.state === 'enrolled' && row.inventoried) return
  const state = row?.state ?? 'bare'
  throw ledgerFault('stage-refused', `${integration} is ${state}${state === 'enrolled' ? ', not inventoried yet' : ''}`)
}

/** The place behind which the next slice goes on, or `end`. */
async function verifyRows(work: Work, from: Position | null): Promise<Position | null | 'end'> {
  const { deps, watch, stopped } = work
  const passes = makePasses()
  const frontier = makeFrontier<Position | null, Work>(from, (page) => add(work, page))
  let after = from
  let ended = false
  try {
    while (stopped.reason === null && !watch.over.aborted && !passes.failed) {
      const share = await paced(deps, work.integration, deps.batch, watch)
      if (share === 'over') break
      const rows = await pageAfter(work, after, share)
      const last = rows.at(-1)
      if (last === undefined) {
        share.end(0)
        ended = true
        break
      }
      after = { customer: last.address.customer, name: last.address.name }
      const judged = frontier.begin(after)
      passes.add(async () => {
        const page = pageOf(work)
        if ((await verifyPage(page, rows, MOST_BUSY - work.busy.length)) !== 'over') judged(page)
        return rows.length
      }, share)
    }
  } finally {
    await passes.idle()
  }
  return ended && frontier.open === 0 ? 'end' : frontier.at
}

function add(work: Work, page: Work): void {
  for (const [word, found] of Object.entries(page.tally)) work.tally[word as VerifyWord] += found
  work.busy.push(...page.busy)
  work.repaired += page.repaired
  tellProgress(work)
}

/** Null when there is nothing left to list, else where the next slice goes on. */
async function verifyNames(work: Work, from: Listed): Promise<Listed | null> {
  if (work.stopped.reason !== null) return from
  const result = await findUnknown(work.deps, work, from, work.watch, () => tell(work, 'out_of_band'))
  if (result.kind === 'stopped') work.stopped.reason = result.reason
  return result.kind === 'over' ? result.next : null
}

/** Whoever held these rows has ended soon; a settler that runs beside a migration holds hundreds at a time. */
async function verifyBusy(work: Work): Promise<void> {
  const { deps, watch } = work
  for (let round = 0; round < ROUNDS && work.busy.length > 0 && work.stopped.reason === null; round += 1) {
    await deps.clock.sleep(deps.grace, watch.signal)
    const open = work.busy
    work.busy = []
    for (let i = 0; i < open.length; i += deps.batch) {
      const addresses = open.slice(i, i + deps.batch).map((row) => row.address)
      const rows = await persist(deps, watch.signal, () => deps.verification.again(addresses))
      const page = pageOf(work)
      const found = present(
        work,
        addresses.map((address) => rows.of(address)),
      )
      if ((await verifyPage(page, found)) === 'over') work.busy.push(...open.slice(i, i + deps.batch))
      else add(work, page)
    }
  }
  for (const _ of work.busy) tell(work, 'owing')
}

async function pageAfter(work: Work, after: Position | null, share: Share): Promise<readonly VerifyRow[]> {
  const { deps, integration, watch } = work
  try {
    return await persist(deps, watch.signal, () => deps.verification.page(integration, after, share.secrets))
  } catch (error) {
    share.end(0)
    throw error
  }
}

const checked = ({ tally }: Work): number => Object.values(tally).reduce((sum, n) => sum + n, 0)

const tellProgress = (work: Work): void => {
  work.watch.progress(checked(work), Math.max(work.total, checked(work)))
}

function resultOf(work: Work): VerifyResult {
  const { equal, owing, quarantined, ...mismatches } = work.tally
  const { repaired, stopped } = work
  const { reason } = stopped
  const kind = reason === null ? 'done' : 'partial'
  return { kind, checked: checked(work), equal, owing, quarantined, mismatches, repaired, reason }
}
