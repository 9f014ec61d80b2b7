import type { BackendsMetrics } from '../metrics.ts'
import type { Keyring } from './keyring.ts'

/** The same keyring; what it seals on the way to the store `store`, and what it is given to open, is counted in bytes. */
export function measuredKeyring(keyring: Keyring, store: string, { ciphertext }: BackendsMetrics): Keyring {
  const count = (direction: 'written' | 'read', bytes: number): void => {
    if (bytes > 0) ciphertext.inc({ store, direction }, bytes)
  }
  return {
    ...keyring,
    seal: async (requests, call) => {
      const outcomes = await keyring.seal(requests, call)
      const sizes = outcomes.map((outcome) => (outcome.kind === 'sealed' ? outcome.sealed.ciphertext.byteLength : 0))
      count('written', sum(sizes))
      return outcomes
    },
    open: (requests, call) => {
      count('read', sum(requests.map(({ ciphertext: { byteLength } }) => byteLength)))
      return keyring.open(requests, call)
    },
  }
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0)
