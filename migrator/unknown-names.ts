import { ABSENT } from '../backends/digest.ts'
import { type Address, addressKey } from '../backends/secret.ts'
import type { ScanPage } from '../backends/store.ts'
import { SIDES, type Side } from '../core/side.ts'
import type { FoundName } from '../ledger/postgres/inventory.ts'
import type { Mismatches } from '../ledger/postgres/mismatches.ts'
import type { Verification } from '../ledger/postgres/verification.ts'
import { found, type InventoryDeps, type Listing, makeLister } from './inventory.ts'
import { type Patience, persist } from './patience.ts'
import { look, type SightDeps } from './sights.ts'
import type { Watch } from './stages.ts'

/*
 * After the inventory a row comes before the first put of its secret. So a name that a store lists afterwards, and that
 * has no row, was written by somebody who bypassed the proxy. It is recorded as out of band, and becomes a row, as at
 * the inventory: it is served where it is, and counted until it is settled.
 */
export interface UnknownDeps extends SightDeps, InventoryDeps {
  readonly verification: Pick<Verification, 'again'>
  readonly mismatches: Pick<Mismatches, 'record'>
}

/** The page of names that comes next. */
export interface Listed {
  readonly side: Side
  readonly after: ScanPage['after']
}

export const FIRST_NAMES: Listed = { side: SIDES[0], after: null }

export type UnknownResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'over'; readonly next: Listed }
  | { readonly kind: 'stopped'; readonly reason: string }

/** Lists both sides to the end, or until the slice is over. */
export async function findUnknown(
  deps: UnknownDeps,
  { integration, patience }: Pick<Listing, 'integration' | 'patience'>,
  from: Listed,
  watch: Watch,
  onFound: () => void,
): Promise<UnknownResult> {
  const lister = (side: Side) => makeLister({ ...deps, store: deps.stores(integration)[side], integration, patience })
  const listers = { legacy: lister('legacy'), new: lister('new') }
  let next: Listed | null = from
  while (next !== null) {
    const { side, after }: Listed = next
    const page = await listers[side](after, watch)
    if (page === 'over') return { kind: 'over', next }
    if (page.kind === 'error')
      return { kind: 'stopped', reason: `store ${deps.stores(integration)[side].name}: ${page.reason}` }
    const names = page.entries.map((entry) => found(deps, integration, entry))
    const unknown = await withoutRow(deps, integration, names, watch)
    const told = unknown.length === 0 || (await tellAll(deps, { integration, side, unknown, patience }, watch))
    if (told === 'over') return { kind: 'over', next }
    if (told === 'silent') return { kind: 'stopped', reason: 'a store did not answer' }
    for (const _ of unknown) onFound()
    next = page.next === null ? nextSide(side) : { side, after: page.next }
  }
  return { kind: 'done' }
}

const nextSide = (side: Side): Listed | null => (side === SIDES[0] ? { side: SIDES[1], after: null } : null)

const addressOf = (integration: string, { customer, name }: FoundName): Address => ({ integration, customer, name })

async function withoutRow(deps: UnknownDeps, integration: string, names: readonly FoundName[], watch: Watch) {
  const addresses = names.map((name) => addressOf(integration, name))
  const rows = await persist(deps, watch.signal, () => deps.verification.again(addresses))
  return names.filter((name) => rows.of(addressOf(integration, name)) === null)
}

interface Found {
  readonly integration: string
  readonly patience: Patience
  readonly side: Side
  readonly unknown: readonly FoundName[]
}

async function tellAll(
  deps: UnknownDeps,
  { integration, side, unknown, patience }: Found,
  watch: Watch,
): Promise<true | 'silent' | 'over'> {
  const readable = unknown.filter((name) => name.refused !== true).map((name) => addressOf(integration, name))
  const sights = await look(deps, readable, patience, watch)
  if (sights === 'silent' || sights === 'over') return sights
  const seen = new Map(readable.map((address, i) => [addressKey(address), sights[i]]))
  for (const name of unknown) {
    const address = addressOf(integration, name)
    const both = seen.get(addressKey(address))
    await persist(deps, watch.signal, () =>
      deps.mismatches.record({
        ...address,
        source: 'verify',
        class: 'out_of_band',
        legacyFingerprint: both?.legacy.fingerprint ?? ABSENT,
        newFingerprint: both?.new.fingerprint ?? ABSENT,
        legacyVersion: both?.legacy.version ?? null,
        newVersion: both?.new.version ?? null,
      }),
    )
  }
  // What new may hold, too, must not become a row that says new holds nothing.
  const onlyLegacy = (name: FoundName): boolean =>
    side === 'legacy' && seen.get(addressKey(addressOf(integration, name)))?.new.fingerprint === ABSENT
  const { legacy = [], new: fresh = [] } = Object.groupBy(unknown, (name) => (onlyLegacy(name) ? 'legacy' : 'new'))
  await persist(deps, watch.signal, () => deps.inventory.record(integration, 'legacy', legacy, null))
  await persist(deps, watch.signal, () => deps.inventory.record(integration, 'new', fresh, null))
  return true
}
