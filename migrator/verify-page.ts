import { addressKey } from '../backends/secret.ts'
import { classify, MISMATCH_CLASSES, type MismatchClass } from '../ledger/compare.ts'
import type { IntegrationRow } from '../ledger/ledger.ts'
import type { Mismatches } from '../ledger/postgres/mismatches.ts'
import type { Verification, VerifyRow } from '../ledger/postgres/verification.ts'
import type { InventoryDeps } from './inventory.ts'
import { type Patience, persist } from './patience.ts'
import { type RepairDeps, repair } from './repair.ts'
import { look, type SightDeps, type Sights } from './sights.ts'
import type { Watch } from './stages.ts'

export interface VerifyDeps extends SightDeps, InventoryDeps, RepairDeps {
  readonly integrations: () => Promise<readonly IntegrationRow[]>
  readonly verification: Verification
  readonly mismatches: Pick<Mismatches, 'record' | 'resolve'>
  /** Rows of an integration, for the progress. */
  readonly rows: (integration: string) => Promise<number>
  readonly batch: number
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

export type Tally = Record<VerifyWord, number>

/** Of the whole stage, or of one page of it: then its figures are added to the whole once all of it was judged. */
export interface Work {
  readonly deps: VerifyDeps
  readonly integration: string
  readonly watch: Watch
  readonly patience: Patience
  readonly tally: Tally
  readonly total: number
  readonly repair: boolean
  /** Rows with an open operation, a write or a settle: looked at again when all others of the slice have been. */
  busy: VerifyRow[]
  repaired: number
  /** Why it cannot go on; one for all pages. */
  readonly stopped: { reason: string | null }
}

/** How often a secret that changes while it is looked at is looked at again. */
export const ROUNDS = 3

export const noTally = (): Tally => {
  const words: readonly VerifyWord[] = ['equal', 'owing', 'quarantined', ...MISMATCH_CLASSES]
  return Object.fromEntries(words.map((word) => [word, 0])) as Tally
}

export const pageOf = (work: Work): Work => ({ ...work, tally: noTally(), busy: [], repaired: 0 })

/** `over`: the slice ended while a store did not answer; all of the page is looked at again. */
export async function verifyPage(work: Work, rows: readonly VerifyRow[], mostBusy = 0): Promise<'over' | 'judged'> {
  const judged = await judge(work, sort(work, rows, mostBusy))
  if (judged === 'silent' || judged === 'over') return endOf(work, judged)
  await settleEqual(work, judged)
  return confirm(
    work,
    judged.filter((j) => j.difference !== null).map((j) => j.row),
  )
}

/** A store that is silent for good ends the stage, and what was judged until then counts. */
function endOf(work: Work, why: 'silent' | 'over'): 'over' | 'judged' {
  if (why === 'over') return why
  work.stopped.reason ??= 'a store did not answer'
  return 'judged'
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

async function judge(work: Work, rows: readonly VerifyRow[]): Promise<readonly Judged[] | 'silent' | 'over'> {
  const { deps, watch, patience } = work
  const seen = await look(
    deps,
    rows.map((row) => row.address),
    patience,
    watch,
  )
  if (seen === 'silent' || seen === 'over') return seen
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
async function confirm(work: Work, suspects: readonly VerifyRow[]): Promise<'over' | 'judged'> {
  const { deps, watch } = work
  const again = (rows: readonly VerifyRow[]) =>
    persist(deps, watch.signal, () => deps.verification.again(rows.map((row) => row.address)))
  let open = suspects
  for (let round = 0; round < ROUNDS && open.length > 0; round += 1) {
    await deps.clock.sleep(deps.grace, watch.signal)
    const found = await again(open)
    const before = sort(
      work,
      present(
        work,
        open.map((row) => found.of(row.address)),
      ),
    )
    const judged = await judge(work, before)
    if (judged === 'silent' || judged === 'over') return endOf(work, judged)
    const after = await again(before)
    const first = new Map(open.map((row) => [addressKey(row.address), row]))
    const steady = judged.filter((j) => isSame(j.row, after.of(j.row.address)))
    await settleEqual(work, steady)
    const stays = (j: Judged) => isSame(j.row, first.get(addressKey(j.row.address)))
    for (const j of steady) if (j.difference !== null && stays(j)) await record(work, j, j.difference)
    open = judged.filter((j) => !steady.includes(j) || (j.difference !== null && !stays(j))).map((j) => j.row)
  }
  for (const _ of open) tell(work, 'owing')
  return 'judged'
}

const isSame = (a: VerifyRow, b: VerifyRow | null | undefined): boolean =>
  b !== null && b !== undefined && a.version === b.version && a.seq === b.seq && b.open === 0 && b.fresh === 'both'

/** Rows never vanish while an integration is enrolled; if it left meanwhile there is nothing to verify. */
export const present = (work: Work, rows: readonly (VerifyRow | null)[]): readonly VerifyRow[] =>
  rows.filter((row): row is VerifyRow => {
    if (row === null) work.stopped.reason = 'the integration left the ledger'
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

export function tell({ deps, integration, tally }: Work, word: VerifyWord): void {
  tally[word] += 1
  deps.onVerified?.(integration, word)
}
