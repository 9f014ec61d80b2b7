import type { Io } from './io.ts'

/** What the command line says about `serve`. */
export interface ServeOptions {
  /** Exactly one of `embedded` and `config` is given. */
  readonly embedded: boolean
  /** The path of the configuration. */
  readonly config: string | null
  /** `--data`; null: the folder that `dataDirectory` computes. */
  readonly data: string | null
  readonly traffic: boolean
  /** One JSON object as the last line of standard output. */
  readonly json: boolean
}

/** Serves until `io.signal` is aborted; resolves with the exit code. Refusals to start reject as faults. */
export type ServeProgram = (options: ServeOptions, io: Io) => Promise<number>
