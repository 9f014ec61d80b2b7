import { SIDES, type Side } from '../core/side.ts'

/*
 * What the ledger remembers of the configuration that an integration was enrolled with: digests to compare, and words to say
 * what differs, never a URL. A row says what one side owes the other; under another side, or another mapping of it, the
 * same row would be a lie.
 */

/** One side of an integration. */
export interface SideIdentity {
  /** Its name in the configuration; may change. */
  readonly store: string
  readonly kind: string
  /** Digest of what addresses its data. */
  readonly place: string
  /** The same for people. */
  readonly shown: string
  /** Digest of each key of its mapping. */
  readonly mapping: Readonly<Record<string, string>>
  /** What the store says that it is; null: it has no such word, or was not asked yet. */
  readonly id: string | null
}

export interface Enrolment extends Readonly<Record<Side, SideIdentity>> {
  /** The shape of its values. */
  readonly value: string
}

/** One thing that differs, in words. `moved`: the same data may lie there; `other`: what the rows say would be untrue. */
export interface Difference {
  readonly kind: 'moved' | 'other'
  readonly words: string
}

/** Ids that nobody knows are no difference. */
const isSameId = (a: string | null, b: string | null): boolean => a === null || b === null || a === b

const isSamePlace = (a: SideIdentity, b: SideIdentity): boolean =>
  a.kind === b.kind && a.place === b.place && isSameId(a.id, b.id)

export function isSwapped(now: Enrolment, was: Enrolment): boolean {
  const stays = isSamePlace(now.legacy, was.legacy) && isSamePlace(now.new, was.new)
  return !stays && isSamePlace(now.legacy, was.new) && isSamePlace(now.new, was.legacy)
}

/** Everything in which a configuration is another than the one that was enrolled. */
export function differences(now: Enrolment, was: Enrolment): readonly Difference[] {
  const value: Difference[] =
    now.value === was.value ? [] : [{ kind: 'other', words: `value: ${now.value}, was ${was.value}` }]
  if (isSwapped(now, was)) return [{ kind: 'other', words: '`legacy` and `new` are swapped' }, ...value]
  return [...SIDES.flatMap((side) => sideDifferences(side, now[side], was[side])), ...value]
}

/** Of an integration that was finalized: new alone counts, and may move; it may not be what legacy was. */
export function finalDifferences(now: Enrolment, was: Enrolment): readonly Difference[] {
  if (isSamePlace(now.new, was.new) || !isSamePlace(now.new, was.legacy)) return []
  return [{ kind: 'other', words: `\`new\` is what legacy was: ${said(was.legacy)}` }]
}

const said = ({ store, shown }: SideIdentity): string => `store \`${store}\` (${shown})`

function sideDifferences(side: Side, now: SideIdentity, was: SideIdentity): readonly Difference[] {
  if (!isSamePlace(now, was)) {
    const ids = now.place === was.place && now.kind === was.kind ? `; it says that it is ${now.id}, was ${was.id}` : ''
    const words = `\`${side}\` is another store than the one it was enrolled with: ${said(now)}, was ${said(was)}${ids}`
    return [{ kind: now.kind === was.kind ? 'moved' : 'other', words }]
  }
  const keys = [...new Set([...Object.keys(now.mapping), ...Object.keys(was.mapping)])]
  const changed = keys.filter((key) => now.mapping[key] !== was.mapping[key])
  if (changed.length === 0) return []
  return [{ kind: 'other', words: `\`${side}\`: store \`${now.store}\` is mapped otherwise: ${changed.join(', ')}` }]
}
