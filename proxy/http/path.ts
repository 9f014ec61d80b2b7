import { type Address, addressKey } from '../../backends/secret.ts'
import { httpFault } from './faults.ts'

/*
 * The raw request target is split at `/` first and each segment is decoded after, once. A router's own parameters will
 * not do: with `:name`, `a%2Fb` reaches the same handler as `a/b` with `*`, so two paths that an access rule tells apart
 * would be one secret. What comes out here is authorised, audited, routed and sent to the stores; nothing decodes again.
 *
 * Names are bytes as given, not normalised to NFC: two stores may hold both forms as different secrets, and a form that
 * a client wrote must be the one that it reads. Unpaired surrogates cannot occur, because strict UTF-8 has none.
 */

export const SECRETS_PREFIX = '/api/v1/secrets/'

const MAX_NAME_BYTES = 512
const MAX_CUSTOMER_BYTES = 128
/** As the configuration has it (bin/config/integrations.ts). */
const INTEGRATION = /^[a-z0-9][a-z0-9._-]{0,62}$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/
// Characters that a request target may hold unescaped in a segment (RFC 3986 pchar), and the escape itself.
const RAW_SEGMENT = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%]*$/

/** One secret, or all of one customer's. */
export type Target =
  | { readonly kind: 'secret'; readonly address: Address }
  | { readonly kind: 'listing'; readonly integration: string; readonly customer: string }

const refuse = (detail: string) => httpFault('path-refused', detail)

/** What a raw request target (path and query as sent) names. Throws `path-refused`; the detail never quotes the path. */
export function parseTarget(url: string): Target {
  const path = url.split('?', 1)[0] as string
  if (!path.startsWith(SECRETS_PREFIX)) throw httpFault('no-such-route', 'the prefix is not written literally')
  const [integration, customer, ...segments] = path.slice(SECRETS_PREFIX.length).split('/').map(decodeSegment)
  if (integration === undefined || customer === undefined) throw refuse('integration and customer are needed')
  if (!INTEGRATION.test(integration)) throw refuse('an integration is a-z, 0-9, ., - and _, at most 63 characters')
  if (Buffer.byteLength(customer) > MAX_CUSTOMER_BYTES)
    throw refuse(`a customer is at most ${MAX_CUSTOMER_BYTES} bytes`)
  if (segments.length === 0) return { kind: 'listing', integration, customer }
  const name = segments.join('/')
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw refuse(`a name is at most ${MAX_NAME_BYTES} bytes`)
  return { kind: 'secret', address: { integration, customer, name } }
}

function decodeSegment(raw: string): string {
  if (raw === '') throw refuse('empty segments and a trailing slash are not allowed')
  if (!RAW_SEGMENT.test(raw)) throw refuse('a character must be percent-encoded')
  if (BAD_ESCAPE.test(raw)) throw refuse('a percent escape is not two hexadecimal digits')
  const segment = decodeUtf8(raw)
  if (segment === '.' || segment === '..') throw refuse('. and .. are not allowed, encoded or not')
  if (/[/\\]/.test(segment)) throw refuse('encoded slashes and backslashes are not allowed')
  if (CONTROL.test(segment)) throw refuse('control characters are not allowed')
  return segment
}

function decodeUtf8(raw: string): string {
  try {
    return decodeURIComponent(raw)
  } catch {
    throw refuse('a segment is not valid UTF-8')
  }
}

/** The path that names an address; `parseTarget` gives the same address back. */
export const pathOf = ({ integration, customer, name }: Address): string =>
  SECRETS_PREFIX + [integration, customer, ...name.split('/')].map(encodeURIComponent).join('/')

/** Whether a client could name this secret: the path of the address must be read as the same address. */
export function isAddressable(address: Address): boolean {
  try {
    const target = parseTarget(pathOf(address))
    return target.kind === 'secret' && addressKey(target.address) === addressKey(address)
  } catch {
    return false
  }
}
