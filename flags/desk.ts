import type { Fault } from '../core/fault.ts'
import type { Feature } from './definition.ts'
import type { LadderEdit } from './ladder.ts'

/*
 * Where flags are written, whatever they come from: a file, or the admin side of a server. An ask is an edit of one
 * integration's flag, worked out on what stands there at that moment, so that nothing is written by an outdated reading.
 */

/** What one integration's flag shall become; null: there is none yet. Called again after each new reading. */
export type FlagEdit = (held: Feature | null) => LadderEdit

export interface Ask {
  readonly integration: string
  readonly edit: FlagEdit
}

/** One flag before and after; `notes` says what else is done to it than to its steps. */
export interface Difference {
  readonly before: Feature | null
  readonly after: Feature
  readonly notes: readonly string[]
}

export type Look =
  | { readonly kind: 'same'; readonly feature: Feature }
  | ({ readonly kind: 'differs' } & Difference)
  /** The flag is of a form that the edit does not change; nothing was done. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** It could not be read or written; how far it came is seen by the next look. */
  | { readonly kind: 'failed'; readonly fault: Fault }

export type Written =
  | Exclude<Look, { kind: 'differs' }>
  | ({ readonly kind: 'written' } & Difference)
  /** Not begun: the writing was stopped before. */
  | { readonly kind: 'left' }

export interface Watch {
  readonly signal?: AbortSignal
  /** Once for each ask, when it has ended. */
  readonly onWritten?: (integration: string, written: Written) => void
}

export interface FlagDesk {
  readonly kind: 'file' | 'unleash'
  /** Where it writes, for people. */
  readonly origin: string
  /** What writing would do, in the order of the asks. */
  look(asks: readonly Ask[]): Promise<readonly Look[]>
  /** Writes what differs, in the order of the asks; one that fails stops no other. Rejects only if none can be written. */
  write(asks: readonly Ask[], watch?: Watch): Promise<readonly Written[]>
}
