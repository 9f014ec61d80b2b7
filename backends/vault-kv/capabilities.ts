import type { Capabilities, Capability } from '../store.ts'
import { OWN_STRINGS } from './codec.ts'
import { endsWithToken, type ValueForm, type VaultKvConfig } from './config.ts'

const HAS: Capability = { has: true }
const lacks = (why: string): Capability => ({ has: false, why })

/** A map is written anew by the server, and read by version 2 with numbers as doubles. */
const VALUES: Readonly<Record<ValueForm, Readonly<Record<1 | 2, Capabilities['values']>>>> = {
  text: { 1: 'bytes', 2: 'bytes' },
  base64: { 1: 'bytes', 2: 'bytes' },
  map: { 1: 'json-literals', 2: 'json-doubles' },
}

const UNBOUND: Readonly<Record<1 | 2, string>> = {
  1: 'the server takes a request whenever it arrives: set expiring_tokens',
  2: 'the server takes a request whenever it arrives; its versions are compared instead',
}

/** What a section can do, from the configuration alone. */
export function vaultKvCapabilities(config: VaultKvConfig): Capabilities {
  const { version, value, max_size, max_strings } = config
  const compares = version === 2 ? HAS : lacks('version 1 of the secrets engine compares nothing at a write')
  return {
    fence: compares,
    bound: endsWithToken(config) ? HAS : lacks(UNBOUND[version]),
    compareAndSet: compares,
    versions: version === 2 ? HAS : lacks('version 1 of the secrets engine keeps no versions'),
    contentType: HAS,
    metadata: HAS,
    batch: { max: 100 },
    values: VALUES[value.as][version],
    ...(value.as === 'map' && { maxStrings: max_strings - OWN_STRINGS }),
    maxSize: max_size,
  }
}
