import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ROLES, type Role } from './roles.ts'

/*
 * Tokens are random, 256 bits, so one plain SHA-256 is a safe hash: there is nothing to guess, and a slow hash would
 * only slow every request. The file holds hashes; a token is shown once, when it is made.
 */

const HASH = /^sha256:[0-9a-f]{64}$/

const globs = z.array(z.string().min(1)).min(1)

/** One entry of the tokens file. */
export const tokenEntrySchema = z
  .strictObject({
    name: z.string().min(1).max(100).describe('Who holds it, for the audit.'),
    role: z.enum(ROLES).optional(),
    roles: z.array(z.enum(ROLES)).min(1).optional(),
    hash: z.string().regex(HASH, 'expected sha256: and 64 hexadecimal digits'),
    integrations: globs.optional().describe('Only these; * stands for any characters.'),
    customers: globs.optional().describe('Only these; * stands for any characters.'),
  })
  .refine(({ role, roles }) => (role === undefined) !== (roles === undefined), 'expected either role or roles')

export const tokenFileSchema = z
  .array(tokenEntrySchema)
  .refine((entries) => new Set(entries.map(({ name }) => name)).size === entries.length, 'expected every name once')
  .refine((entries) => new Set(entries.map(({ hash }) => hash)).size === entries.length, 'expected every hash once')

export type TokenEntry = z.output<typeof tokenEntrySchema>

const PREFIX = 'crossfade_'
const TOKEN_BYTES = 32

export const hashToken = (token: string): Buffer => createHash('sha256').update(token, 'utf8').digest()

/** A new token and the entry to add to the file. `random` must be a cryptographic source. */
export const mintToken = (
  subject: { readonly name: string; readonly roles: readonly Role[] },
  random: (size: number) => Uint8Array,
): { readonly token: string; readonly entry: TokenEntry } => {
  const token = PREFIX + Buffer.from(random(TOKEN_BYTES)).toString('base64url')
  const hash = `sha256:${hashToken(token).toString('hex')}`
  return { token, entry: { name: subject.name, roles: [...subject.roles], hash } }
}
