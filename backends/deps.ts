import type { Clock } from '../core/clock.ts'
import type { BackendsMetrics } from './metrics.ts'

/** What a store is built with, besides its section of the configuration. */
export interface StoreDeps {
  /** The name in the configuration. */
  readonly name: string
  /** Integrations that it is a side of, as far as whoever opens it knows; its check asks for their rights. */
  readonly integrations?: readonly string[]
  readonly clock: Clock
  /** Cryptographically strong random bytes, for nonces and keys. */
  readonly random: (bytes: number) => Uint8Array
  readonly metrics: BackendsMetrics
}
