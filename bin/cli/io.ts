import type { Readable } from 'node:stream'
import { type Clock, systemClock } from '../../core/clock.ts'

/** A stream that a terminal may stand behind. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string | Uint8Array): boolean
}

/** Everything that a program touches of its process. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<NodeJS.ProcessEnv>
  readonly clock: Clock
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
}

export const processIo = (signal: AbortSignal): Io => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  clock: systemClock,
  signal,
})
