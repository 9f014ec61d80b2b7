import type { Address } from '../secret.ts'
import { decodeSegment, encodeSegment } from './segments.ts'

/**
 * Where a secret lies below its mount: literal segments, `{integration}` and `{customer}` in any order, and `{name}` at
 * the end, whose segments become folders. Each place holder is a segment of its own, so two addresses never share a path.
 */
export interface PathTemplate {
  /** The segments of a secret's path below the mount, or null if it cannot have one. */
  place(address: Address): readonly string[] | null
  /** The address of a path, or null if it is not one of this template. */
  address(path: readonly string[]): Address | null
  /** The folder in which the customers of an integration lie. */
  customers(integration: string): readonly string[]
  /** The folder in which the names of one customer begin. */
  names(integration: string, customer: string): readonly string[]
  /** From the mount to the folders in which names begin: one segment, or those of all customers. */
  steps(integration: string): readonly Step[]
}

export const CUSTOMERS = Symbol('customers')
export type Step = string | typeof CUSTOMERS

/** Longer paths meet the limits of proxies and of the stores below a server. */
export const MAX_PATH_BYTES = 4096

const PLACE_HOLDERS = ['{integration}', '{customer}', '{name}'] as const
type PlaceHolder = (typeof PLACE_HOLDERS)[number]
const isPlaceHolder = (segment: string): segment is PlaceHolder => PLACE_HOLDERS.some((p) => p === segment)

/** What is wrong with a template, for people; null if it can be used. */
export function templateProblem(template: string): string | null {
  const segments = template.split('/')
  if (PLACE_HOLDERS.some((p) => segments.filter((s) => s === p).length !== 1)) {
    return `expected each of ${PLACE_HOLDERS.join(', ')} once, as a segment of its own: two secrets must not share a path`
  }
  if (segments.at(-1) !== '{name}') return 'expected {name} at the end: its own segments become folders'
  const literal = segments.find((s) => !isPlaceHolder(s) && (/[{}]/.test(s) || encodeSegment(s) !== s))
  return literal === undefined ? null : `segment "${literal}" cannot be part of a path`
}

export function makePathTemplate(template: string): PathTemplate {
  const segments = template.split('/')
  const filled = (values: Readonly<Record<string, string>>, until: PlaceHolder): readonly string[] =>
    segments.slice(0, segments.indexOf(until)).map((s) => (isPlaceHolder(s) ? encodeSegment(values[s] as string) : s))
  const names = (integration: string, customer: string): readonly string[] =>
    filled({ '{integration}': integration, '{customer}': customer }, '{name}')

  const place = ({ integration, customer, name }: Address): readonly string[] | null => {
    if (![integration, customer, name].every((text) => text.isWellFormed())) return null
    const path = [...names(integration, customer), ...name.split('/').map(encodeSegment)]
    return Buffer.byteLength(path.map(encodeURIComponent).join('/')) > MAX_PATH_BYTES ? null : path
  }

  return {
    place,
    address: (path) => {
      const folders = segments.slice(0, -1)
      if (path.length <= folders.length) return null
      const found: Record<string, string> = {}
      for (const [at, segment] of folders.entries()) {
        const text = isPlaceHolder(segment) ? decodeSegment(path[at] as string) : path[at]
        if (text === null || (!isPlaceHolder(segment) && text !== segment)) return null
        found[segment] = text as string
      }
      const name = path.slice(folders.length).map(decodeSegment)
      if (name.some((part) => part === null)) return null
      return {
        integration: found['{integration}'] as string,
        customer: found['{customer}'] as string,
        name: name.join('/'),
      }
    },
    customers: (integration) => filled({ '{integration}': integration }, '{customer}'),
    names,
    steps: (integration) =>
      segments.slice(0, -1).map((s) => {
        if (s === '{customer}') return CUSTOMERS
        return s === '{integration}' ? encodeSegment(integration) : s
      }),
  }
}
