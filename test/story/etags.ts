import { type Address, addressKey } from '../../backends/secret.ts'

/** An ETag is of the content alone: whatever the phase and whoever serves, the same secret has the same one. */
export interface Etags {
  /** `content` as contentOf tells it. */
  readonly see: (address: Address, content: string, etag: string | null) => void
  /** Secrets that had two ETags for one content, or none. */
  readonly changed: () => readonly Address[]
}

export function makeEtags(): Etags {
  const first = new Map<string, string | null>()
  const changed = new Map<string, Address>()
  return {
    see: (address, content, etag) => {
      const key = `${addressKey(address)}\0${content}`
      if (!first.has(key)) first.set(key, etag)
      if (etag === null || first.get(key) !== etag) changed.set(addressKey(address), address)
    },
    changed: () => [...changed.values()],
  }
}
