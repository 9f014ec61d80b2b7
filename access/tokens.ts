import { timingSafeEqual } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Glob, makeGlob } from '../core/glob.ts'
import { accessFault } from './faults.ts'
import { type Permission, type Role, roleFor } from './roles.ts'
import { hashToken, type TokenEntry } from './token.ts'

/** Who asks. Holds no token and no hash. */
export interface Caller {
  /** As the tokens file names it. */
  readonly name: string
  readonly roles: readonly Role[]
  mayUse(integration: string): boolean
  mayServe(customer: string): boolean
}

/** The tokens that are valid now. */
export interface Tokens {
  /** The holder of a presented token, or null. Takes the same time whichever entry matches, or none. */
  authenticate(token: string): Caller | null
  /** Takes up a file that was read again, for every request from now on; whether it says anything else than before. */
  replace(entries: readonly TokenEntry[]): boolean
}

interface Known {
  readonly hash: Buffer
  readonly caller: Caller
}

const HASH_PREFIX = 'sha256:'

const isAny = (globs: readonly Glob[] | null, candidate: string): boolean =>
  globs === null || globs.some((glob) => glob.matches(candidate))

function known(entry: TokenEntry): Known {
  const integrations = entry.integrations?.map(makeGlob) ?? null
  const customers = entry.customers?.map(makeGlob) ?? null
  const caller: Caller = {
    name: entry.name,
    roles: entry.roles ?? (entry.role === undefined ? [] : [entry.role]),
    mayUse: (integration) => isAny(integrations, integration),
    mayServe: (customer) => isAny(customers, customer),
  }
  return { hash: Buffer.from(entry.hash.slice(HASH_PREFIX.length), 'hex'), caller }
}

/** `equal` must take the same time whatever it is given; an argument so that a test can see every comparison. */
export const makeTokens = (entries: readonly TokenEntry[], equal = timingSafeEqual): Tokens => {
  let [all, source] = [entries.map(known), entries]
  return {
    authenticate: (token) => {
      const presented = hashToken(token)
      let found: Caller | null = null
      // Every entry is compared, also after a match.
      for (const { hash, caller } of all) if (equal(hash, presented)) found = caller
      return found
    },
    replace: (next) => {
      const isOther = !isDeepStrictEqual(next, source)
      all = next.map(known)
      source = next
      return isOther
    },
  }
}

const BEARER = /^bearer +([A-Za-z0-9._~+/=-]{1,512})$/i

/** The token of an Authorization header; null for none, or for another scheme. */
export const bearerOf = (header: string | undefined): string | null => BEARER.exec(header ?? '')?.[1] ?? null

/** The caller behind an Authorization header. Throws `unauthenticated`. */
export const assertCaller = (tokens: Tokens, header: string | undefined): Caller => {
  const token = bearerOf(header)
  if (token === null) throw accessFault('unauthenticated', 'the request carries no bearer token')
  const caller = tokens.authenticate(token)
  if (caller === null) throw accessFault('unauthenticated', 'the token is not known')
  return caller
}

/** What an operation is about; null where it is about all of them. */
export interface Subject {
  readonly integration: string | null
  readonly customer: string | null
}

/**
 * The role by which the caller may do this, for the audit. Throws `forbidden`. A token that is bound to integrations or
 * customers may do nothing that is about all of them.
 */
export const assertMay = (caller: Caller, permission: Permission, subject: Subject): Role => {
  const role = roleFor(caller.roles, permission)
  if (role === null) throw accessFault('forbidden', `${caller.name} has not the role for this`)
  if (!caller.mayUse(subject.integration ?? '*'))
    throw accessFault('forbidden', `${caller.name} may not use this integration`)
  if (!caller.mayServe(subject.customer ?? '*'))
    throw accessFault('forbidden', `${caller.name} may not use this customer`)
  return role
}
