import { ABSENT } from '../backends/digest.ts'
import { otherSide, SIDES, type Side } from '../core/side.ts'
import type { Mismatches } from '../ledger/postgres/mismatches.ts'
import type { Verification, VerifyRow } from '../ledger/postgres/verification.ts'
import { type SettleDeps, settle } from '../ledger/settle.ts'
import { persist } from './patience.ts'
import type { Sights } from './sights.ts'
import type { Watch } from './stages.ts'

/*
 * A repair is a settle, too: the side that holds what the row knows becomes the fresh one, and the other owes it. Where
 * neither side, or both, hold it there is nothing to tell them apart by, and nothing is repaired. What legacy holds is
 * put over only where a write through Crossfade said what it has to hold.
 */
export interface RepairDeps extends SettleDeps {
  readonly verification: Pick<Verification, 'reopen'>
  readonly mismatches: Pick<Mismatches, 'resolve'>
  readonly lease: number
  readonly patience: number
}

export interface Damaged {
  readonly row: VerifyRow
  readonly sights: Sights
}

/** True when both sides are equal again; false leaves the mismatch for people. */
export async function repair(deps: RepairDeps, { row, sights }: Damaged, watch: Watch): Promise<boolean> {
  const fresh = intact(row, sights)
  if (fresh === null || (fresh === 'new' && isOnlyCopied(row, sights))) return false
  const { address } = row
  if (!(await persist(deps, watch.signal, () => deps.verification.reopen(row, fresh)))) return false
  const query = { integration: address.integration, source: fresh, only: address, limit: 1, lease: deps.lease }
  const [report] = await persist(deps, watch.signal, () => settle(deps, query))
  if (report?.kind !== 'equal') return false
  await persist(deps, watch.signal, () => deps.mismatches.resolve([address]))
  return true
}

/**
 * What such a row knows was read from legacy when it was copied. If legacy holds something else now, it may be the read
 * that was wrong, once: the copy of it must not be put over its source.
 */
const isOnlyCopied = ({ version }: VerifyRow, { legacy }: Sights): boolean =>
  version === 0 && legacy.fingerprint !== ABSENT

function intact({ current }: VerifyRow, sights: Sights): Side | null {
  if (current === null) return null
  const holds = (side: Side): boolean => sights[side].fingerprint === current
  return SIDES.find((side) => holds(side) && !holds(otherSide(side))) ?? null
}
