import { addressKey } from '../backends/secret.ts'
import type { ScanPage } from '../backends/store.ts'
import { classify, MISMATCH_CLASSES, type MismatchClass } from '../ledger/compare.ts'
import { ledgerFault } from '../ledger/faults.ts'
import type { IntegrationRow } from '../ledger/ledger.ts'
import type { Mismatches } from '../ledger/postgres/mismatches.ts'
import type { Verification, VerifyRow } from '../ledger/postgres/verification.ts'
import type { InventoryDeps } from './inventory.ts'
import { makePasses } from './passes.ts'
import { makePatience, persist } from './patience.ts'
import { type RepairDeps, repair } from './repair.ts'
import { look, type SightDeps, type Sights } from './sights.ts'
import type { Watch } from './stages.ts'
import { findUnknown } from './unknown-names.ts'

/*
 * Every row of the ledger, in pages: rows with a debt or an open operation are owing, no difference; of the others both
 * sides are read. Equal, and what the row knows: verified, unless the row has changed since. Anything else is suspected
 * and read again after a grace period; it is a mismatch only if it stays and the row was the same before the first look,
 * before the second and after it. At last both stores are listed, for names that no proxied write has made.
 */
export interface VerifyDeps extends SightDeps, InventoryDeps, RepairDeps {
  readonly integrations: () => Promise<readonly IntegrationRow[]>
  readonly verification: Verification
  readonly mismatches: Pick<Mismatches, 'record' | 'resolve'>
  /** Rows of an integration, for the progress. */
  readonly rows: (integration: string) => Promise<number>
  readonly batch: number
  readonly concurrency: number
  /** ms before a difference is read again. */
  readonly grace: number
  readonly patience: number
  readonly onVerified?: (integration: string, result: VerifyWord) => void
}

export type VerifyWord = 'equal' | 'owing' | 'quarantined' | MismatchClass

export interface VerifyResult {
  /** `partial`: a store did not answer for as long as patience lasted; what was judged until then counts. */
  readonly kind: 'done' | 'partial'
  readonly checked: number
  readonly equal: number
  /** One side owes it, or it was being written whenever it was looked at. */
  readonly owing: number
  readonly quarantined: number
  readonly mismatches: Readonly<Record<MismatchClass, number>>
  /** Of the mismatches, those that were made equal again. */
  readonly repaired: number
  readonly reason: string | null
}

interface Work {
  readonly deps: VerifyDeps
  readonly integration: string
  readonly watch: Watch
  readonly tally: Record<VerifyWord, number>
  readonly total: number
  readonly repair: boolean
  /** Rows with an open operation, a write or a settle: looked at again when all others have been. */
  busy: VerifyRow[]
  repaired: number
  reason: string | null
}

/** Open at once are the operations of a moment; what is beyond this counts as owing without another look. */
const MOST_BUSY = 5000

/** How often a secret that changes while it is looked at is looked at again. */
const ROUNDS = 3

/**
 * Throws `stage-refused` before the integration is inventoried; rejects when aborted. With `repair` a side that differs
 * from what the row knows is made equal to the one that does not.
 */
export async function verify(
  deps: VerifyDeps,
  integration: string,
  watch: Watch,
  options: { readonly repair: boolean } = { repair: false },
): Promise<VerifyResult> {
  await persist(deps, watch.signal, () => assertInventoried(deps, integration))
  const began = await persist(deps, watch.signal, () => deps.verification.began())
  const total = await persist(deps, watch.signal, () => deps.rows(integration))
  const words: readonly VerifyWord[] = ['equal', 'owing', 'quarantined', ...MISMATCH_CLASSES]
  const tally = Object.fromEntries(words.map((word) => [word, 0])) as Record<VerifyWord, number>
  const work: Work = { deps, integration, watch, tally, total, ...options, busy: [], repaired: 0, reason: null }
  await verifyRows(work)
  await verifyBusy(work)
  if (work.reason === null) work.reason = await findUnknown(deps, integration, watch, () => tell(work, 'out_of_band'))
  const result = resultOf(work)
  if (result.kind === 'done' && Object.values(result.mismatches).every((found) => found === 0))
    await persist(deps, watch.signal, () => deps.verification.whole(integration, began))
  return result
}

async function assertInventoried(deps: VerifyDeps, integration: string): Promise<void> {
  const row = (await deps.integrations()).find((candidate) => candidate.integration === integration)
  if (row?.state === 'enrolled' && row.inventoried) return
  const state = row?.state ?? 'bare'
  throw ledgerFault('stage-refused', `${integration} is ${state}${state === 'enrolled' ? ', not inventoried yet' : ''}`)
}

async function verifyRows(work: Work): Promise<void> {
  const passes = makePasses(work.deps.concurrency)
  let after: ScanPage['after'] = null
  while (work.reason === null && !passes.failed) {
    const rows = await pageAfter(work, after)
    const last = rows.at(-1)
    if (last === undefined) break
    after = { customer: last.address.customer, name: last.address.name }
    await passes.add(() => verifyPage(work, rows))
  }
  await passes.idle()
}

/** Whoever held these rows has ended soon; a settler that runs beside a migration holds hundreds at a time. */
async function verifyBusy(work: Work): Promise<void> {
  const { deps, watch } = work
  for (let round = 0; round < ROUNDS && work.busy.length > 0 && work.reason === null; round += 1) {
    await deps.clock.sleep(deps.grace, watch.signal)
    const open = work.busy
    work.busy = []
    for (let i = 0; i < open.length; i += deps.batch) {
      const addresses = open.slice(i, i + deps.batch).map((row) => row.address)
      const rows = await persist(deps, watch.signal, () => deps.verification.again(addresses))
      await verifyPage(work, present(work, rows))
    }
  }
  for (const _ of work.busy) tell(work, 'owing')
}

const pageAfter = ({ deps, integration, watch }: Work, after: ScanPage['after']): Promise<readonly VerifyRow[]> =>
  persist(deps, watch.signal, () => deps.verification.page(integration, after, deps.batch))

async function verifyPage(work: Work, rows: readonly VerifyRow[]): Promise<void> {
  const comparable = sort(work, rows, MOST_BUSY)
  const judged = await judge(work, comparable)
  if (judged === null) return
  await settleEqual(work, judged)
  await confirm(
    work,
    judged.filter((j) => j.difference !== null).map((j) => j.row),
  )
  tellProgress(work)
}

/** Counts what cannot be compared, puts up to `mostBusy` aside, and returns the rest. */
function sort(work: Work, rows: readonly VerifyRow[], mostBusy = 0): readonly VerifyRow[] {
  return rows.filter((row) => {
    if (row.quarantine !== null) tell(work, 'quarantined')
    else if (row.open > 0 && work.busy.length < mostBusy) work.busy.push(row)
    else if (isOwing(row)) tell(work, 'owing')
    else return true
    return false
  })
}

const isOwing = (row: VerifyRow): boolean => row.fresh !== 'both' || row.open > 0

interface Judged {
  readonly row: VerifyRow
  readonly sights: Sights
  readonly difference: MismatchClass | null
}

/** Null when a store did not answer; the reason is in `work` then. */
async function judge(work: Work, rows: readonly VerifyRow[]): Promise<readonly Judged[] | null> {
  const { deps, watch } = work
  const patience = makePatience({ clock: deps.clock, limit: deps.patience })
  const seen = await look(
    deps,
    rows.map((row) => row.address),
    patience,
    watch,
  )
  if (seen === null) {
    work.reason = 'a store did not answer'
    return null
  }
  return rows.map((row, i) => {
    const sights = seen[i] as Sights
    return { row, sights, difference: classify(sights, row) }
  })
}

async function settleEqual(work: Work, judged: readonly Judged[]): Promise<void> {
  const { deps, watch } = work
  const equal = judged.filter((j) => j.difference === null).map((j) => j.row)
  if (equal.length === 0) return
  await persist(deps, watch.signal, () => deps.verification.verified(equal))
  await persist(deps, watch.signal, () => deps.mismatches.resolve(equal.map((row) => row.address)))
  for (const _ of equal) tell(work, 'equal')
}

/** Suspected rows, read again until they are equal, differ for sure, or were changed too often. */
async function confirm(work: Work, suspects: readonly VerifyRow[]): Promise<void> {
  const { deps, watch } = work
  const again = (rows: readonly VerifyRow[]) =>
    persist(deps, watch.signal, () => deps.verification.again(rows.map((row) => row.address)))
  let open = suspects
  for (let round = 0; round < ROUNDS && open.length > 0; round += 1) {
    await deps.clock.sleep(deps.grace, watch.signal)
    const before = sort(work, present(work, await again(open)))
    const judged = await judge(work, before)
    if (judged === null) return
    const after = await again(before)
    const first = new Map(open.map((row) => [addressKey(row.address), row]))
    const steady = judged.filter((j, i) => isSame(j.row, after[i]))
    await settleEqual(work, steady)
    const stays = (j: Judged) => isSame(j.row, first.get(addressKey(j.row.address)))
    for (const j of steady) if (j.difference !== null && stays(j)) await record(work, j, j.difference)
    open = judged.filter((j) => !steady.includes(j) || (j.difference !== null && !stays(j))).map((j) => j.row)
  }
  for (const _ of open) tell(work, 'owing')
}

const isSame = (a: VerifyRow, b: VerifyRow | null | undefined): boolean =>
  b !== null && b !== undefined && a.version === b.version && a.seq === b.seq && b.open === 0 && b.fresh === 'both'

/** Rows never vanish while an integration is enrolled; if it left meanwhile there is nothing to verify. */
const present = (work: Work, rows: readonly (VerifyRow | null)[]): readonly VerifyRow[] =>
  rows.filter((row): row is VerifyRow => {
    if (row === null) work.reason = 'the integration left the ledger'
    return row !== null
  })

async function record(work: Work, { row, sights }: Judged, difference: MismatchClass): Promise<void> {
  const { deps, watch } = work
  const { legacy, new: fresh } = sights
  const mismatch = {
    ...row.address,
    source: 'verify',
    class: difference,
    legacyFingerprint: legacy.fingerprint,
    newFingerprint: fresh.fingerprint,
    legacyVersion: legacy.version,
    newVersion: fresh.version,
  } as const
  await persist(deps, watch.signal, () => deps.mismatches.record(mismatch))
  await persist(deps, watch.signal, () => deps.verification.refuted([row]))
  tell(work, difference)
  if (work.repair && (await repair(deps, { row, sights }, watch))) work.repaired += 1
}

function tell({ deps, integration, tally }: Work, word: VerifyWord): void {
  tally[word] += 1
  deps.onVerified?.(integration, word)
}

const checked = ({ tally }: Work): number => Object.values(tally).reduce((sum, n) => sum + n, 0)

const tellProgress = (work: Work): void => {
  work.watch.progress(checked(work), Math.max(work.total, checked(work)))
}

function resultOf(work: Work): VerifyResult {
  const { equal, owing, quarantined, ...mismatches } = work.tally
  const kind = work.reason === null ? 'done' : 'partial'
  const { repaired, reason } = work
  return { kind, checked: checked(work), equal, owing, quarantined, mismatches, repaired, reason }
}
