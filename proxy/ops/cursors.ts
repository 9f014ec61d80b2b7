import type { Address } from '../../backends/secret.ts'

/** What `after` holds, where it is a place among addresses: base64url of their JSON. */
export const addressCursor = ({ integration, customer, name }: Address): string =>
  Buffer.from(JSON.stringify({ integration, customer, name })).toString('base64url')

/** Null: no answer of ours gave it. */
export function parseAddressCursor(text: string): Address | null {
  try {
    const { integration, customer, name } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<Address>
    const parts = [integration, customer, name].every((part) => typeof part === 'string' && !part.includes('\0'))
    return parts ? ({ integration, customer, name } as Address) : null
  } catch {
    return null
  }
}
