import { ABSENT } from '../backends/digest.ts'
import type { Address, Secret } from '../backends/secret.ts'
import type { GetOutcome } from '../backends/store.ts'
import type { Side } from '../core/side.ts'

/** What a stable difference is called: a metric's label and a row's column. */
export const MISMATCH_CLASSES = [
  'missing_in_new',
  'extra_in_new',
  'value',
  'metadata',
  'stale',
  'undecryptable',
  'store_error',
  'out_of_band',
] as const
export type MismatchClass = (typeof MISMATCH_CLASSES)[number]

/** What was seen on one side, without the value. */
export interface Sight {
  readonly kind: 'seen' | 'undecryptable' | 'store_error'
  /** Of everything; `absent` where nothing is, null where nothing could be read. */
  readonly fingerprint: string | null
  /** Of the value alone: tells a difference of metadata from one of values. */
  readonly valueFingerprint: string | null
  readonly version: string | null
}

export type Fingerprint = (address: Address, secret: Secret) => string

export function sightOf(address: Address, outcome: GetOutcome, fingerprint: Fingerprint): Sight {
  switch (outcome.kind) {
    case 'found': {
      const bare = { value: outcome.secret.value, contentType: null, metadata: {} }
      return {
        kind: 'seen',
        fingerprint: fingerprint(address, outcome.secret),
        valueFingerprint: fingerprint(address, bare),
        version: outcome.version,
      }
    }
    case 'absent':
      return { kind: 'seen', fingerprint: ABSENT, valueFingerprint: ABSENT, version: null }
    case 'unreadable':
      return { kind: 'undecryptable', fingerprint: null, valueFingerprint: null, version: outcome.version }
    case 'error':
      return { kind: 'store_error', fingerprint: null, valueFingerprint: null, version: null }
  }
}

/** What is expected of both sides: the row's `current` and the versions that it recorded. */
export interface Expected {
  readonly current: string | null
  readonly versions: Partial<Readonly<Record<Side, string>>>
}

/** Null: the sides are equal, and hold what is expected. Rules in order; the first that applies names the difference. */
export function classify(
  sights: Readonly<Record<Side, Sight>>,
  expected: Expected = { current: null, versions: {} },
): MismatchClass | null {
  const { legacy, new: fresh } = sights
  if (legacy.kind === 'store_error' || fresh.kind === 'store_error') return 'store_error'
  if (legacy.kind === 'undecryptable' || fresh.kind === 'undecryptable') return 'undecryptable'
  if (legacy.fingerprint === fresh.fingerprint) {
    // Equal, and not what the row knows: somebody wrote both sides without the proxy.
    return expected.current === null || expected.current === legacy.fingerprint ? null : 'out_of_band'
  }
  if (fresh.fingerprint === ABSENT) return 'missing_in_new'
  if (legacy.fingerprint === ABSENT) return 'extra_in_new'
  if (legacy.valueFingerprint === fresh.valueFingerprint) return 'metadata'
  return isOlder(legacy, expected.versions.legacy) || isOlder(fresh, expected.versions.new) ? 'stale' : 'value'
}

/** The store went back behind the version that was recorded, as after a restored backup; only counting versions tell. */
function isOlder({ version }: Sight, recorded: string | undefined): boolean {
  if (version === null || recorded === undefined) return false
  const [now, then] = [Number(version), Number(recorded)]
  return Number.isFinite(now) && Number.isFinite(then) && now < then
}
