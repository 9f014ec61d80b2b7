import type { Failure } from '../failure.ts'
import type { Call, Condition, GetOutcome, PutOutcome } from '../store.ts'
import type { VaultOutcome, VaultRequest } from '../vault/request.ts'

/** The segments of a path below the mount. */
export type Path = readonly string[]

/** What is different between the two versions of the secrets engine. */
export interface Engine {
  get(path: Path, call: Call): Promise<GetOutcome>
  /** `json`: the data of the secret, as the codec wrote it. */
  put(path: Path, json: string, condition: Condition, call: Call): Promise<PutOutcome>
  remove(path: Path, condition: Condition, call: Call): Promise<PutOutcome>
  /** The version of what a listing names, or that it is deleted; asked without its value. */
  look(path: Path, call: Call): Promise<Look>
  /** As `look`, of a path that no listing named. */
  find(path: Path, call: Call): Promise<Look>
  /** What a folder's path is prefixed with, below the mount. */
  readonly listed: Path
}

export type Look =
  | { readonly kind: 'there'; readonly version: string | null }
  | { readonly kind: 'gone' }
  /** The server knows no such path, though a listing may have named it. */
  | { readonly kind: 'nowhere' }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** Reads, and writes that may not land late. */
export interface Requests {
  /** `path` begins below the mount. */
  read(path: Path, query: Readonly<Record<string, string>>, call: Call): Promise<VaultOutcome>
  /** Refused as `late` if it would land after the call's time. */
  write(method: VaultRequest['method'], path: Path, body: string | null, call: Call): Promise<VaultOutcome>
}
