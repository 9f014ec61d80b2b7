import { readFile } from 'node:fs/promises'
import { no } from '../failure.ts'
import { SecretValue } from '../secret.ts'
import type { VaultAuth } from './config.ts'
import { type VaultFailure, type VaultMethod, type VaultOutcome, vaultFailure } from './request.ts'

/** What a login, a look-up or a renewal gives. */
export interface Grant {
  readonly token: SecretValue
  /** How long it lasts from now, in ms; null: without end. */
  readonly ttl: number | null
  readonly renewable: boolean
  /** What kind of token it is, as far as the server said: a `batch` token can make no children. */
  readonly type: string | null
  /** After so many requests it ends; 0: never for that. */
  readonly uses: number
}
export type GrantOutcome = { readonly kind: 'granted'; readonly grant: Grant } | VaultFailure

/** Sends one request about the own token; `token` is null for a login. */
export type AskAuth = (
  request: { readonly method: VaultMethod; readonly path: readonly string[]; readonly body?: string },
  token: SecretValue | null,
) => Promise<VaultOutcome>

export interface Login {
  /** A token that the server has accepted. */
  login(ask: AskAuth): Promise<GrantOutcome>
  /** Whether a login would bring another token than this; for tokens that somebody else renews in a file. */
  readonly changed: ((token: SecretValue) => Promise<boolean>) | null
}

/** `mount`: what a token must be able to use to be one of ours; null: nothing is known of it. */
export function makeLogin(auth: VaultAuth, mount: string | null): Login {
  if (auth.kind === 'token') return tokenFile(auth.token_file, mount)
  const path = ['auth', ...auth.mount.split('/'), 'login']
  return {
    changed: null,
    login: async (ask) => {
      const body = await credentials(auth)
      if (body.kind === 'failed') return body
      return granted(await ask({ method: 'POST', path, body: JSON.stringify(body.fields) }, null), null, 'auth')
    },
  }
}

export const lookUp = async (ask: AskAuth, token: SecretValue): Promise<GrantOutcome> =>
  granted(await ask({ method: 'GET', path: ['auth', 'token', 'lookup-self'] }, token), token, 'data')

export const renew = async (ask: AskAuth, token: SecretValue): Promise<GrantOutcome> =>
  granted(await ask({ method: 'POST', path: ['auth', 'token', 'renew-self'], body: '{}' }, token), token, 'auth')

/**
 * Whether the server knows a token that may not look itself up: whoever may use anything at a mount is told what it is.
 * `null`: that cannot be said.
 */
export async function isKnown(ask: AskAuth, token: SecretValue, mount: string | null): Promise<boolean | null> {
  if (mount === null) return false
  const path = ['sys', 'internal', 'ui', 'mounts', ...mount.split('/')]
  const outcome = await ask({ method: 'GET', path }, token)
  if (outcome.kind === 'failed') return outcome.failure.reason === 'denied' ? false : null
  return outcome.status === 200 ? true : null
}

/** How long a token lasts that may not look itself up is not known: it is used until it is refused. */
const unseen = (token: SecretValue): GrantOutcome => ({
  kind: 'granted',
  grant: { token, ttl: null, renewable: false, type: null, uses: 0 },
})

function tokenFile(path: string, mount: string | null): Login {
  return {
    login: async (ask) => {
      const read = await readCredential(path)
      if (read.kind === 'failed') return read
      const token = SecretValue.ofText(read.text)
      const seen = await lookUp(ask, token)
      const isDenied = seen.kind === 'failed' && seen.failure.reason === 'denied'
      return isDenied && (await isKnown(ask, token, mount)) ? unseen(token) : seen
    },
    changed: async (token) => {
      const read = await readCredential(path)
      return read.kind === 'read' && !Buffer.from(read.text).equals(token.open())
    },
  }
}

type Credentials = { readonly kind: 'fields'; readonly fields: Readonly<Record<string, string>> } | VaultFailure

async function credentials(auth: Exclude<VaultAuth, { kind: 'token' }>): Promise<Credentials> {
  if (auth.kind === 'kubernetes') {
    const jwt = await readCredential(auth.jwt_file)
    return jwt.kind === 'failed' ? jwt : { kind: 'fields', fields: { role: auth.role, jwt: jwt.text } }
  }
  const role = auth.role_id_file === undefined ? null : await readCredential(auth.role_id_file)
  if (role?.kind === 'failed') return role
  const secret = await readCredential(auth.secret_id_file)
  if (secret.kind === 'failed') return secret
  return { kind: 'fields', fields: { role_id: role?.text ?? (auth.role_id as string), secret_id: secret.text } }
}

/** A file may come after the process, so one that is not there is an outcome of the login. */
async function readCredential(path: string): Promise<{ readonly kind: 'read'; readonly text: string } | VaultFailure> {
  try {
    const text = (await readFile(path, 'utf8')).trim()
    // What is not printable cannot be sent in a header, and is no credential.
    if (/^[\x21-\x7e]+$/.test(text)) return { kind: 'read', text }
    return vaultFailure(no('denied'), `${path} holds no credential`)
  } catch (error) {
    return vaultFailure(no('denied'), `${path}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`)
  }
}

/** Where an answer speaks of a token: `auth` of a login or a renewal, `data` of a look-up. */
const FIELDS = { auth: 'lease_duration', data: 'ttl' } as const

function granted(outcome: VaultOutcome, known: SecretValue | null, part: keyof typeof FIELDS): GrantOutcome {
  if (outcome.kind === 'failed') return outcome
  // AppRole says 400 to a wrong secret id, Kubernetes to a role that is not there.
  if (outcome.status !== 200) return vaultFailure(no('denied'), `${outcome.status}: refused`)
  const fields = fieldsOf(outcome.body, part)
  const seconds = fields[FIELDS[part]]
  const token = typeof fields['client_token'] === 'string' ? SecretValue.ofText(fields['client_token']) : known
  if (token === null || typeof seconds !== 'number') {
    return vaultFailure(no('unavailable', true), 'an answer that is not Vault’s')
  }
  return {
    kind: 'granted',
    grant: {
      token,
      ttl: seconds === 0 ? null : seconds * 1000,
      renewable: fields['renewable'] === true,
      type: textOf(fields['token_type'] ?? fields['type']),
      uses: typeof fields['num_uses'] === 'number' ? fields['num_uses'] : 0,
    },
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function fieldsOf(body: Buffer, part: string): Readonly<Record<string, unknown>> {
  try {
    const parsed = JSON.parse(body.toString('utf8')) as Record<string, unknown> | null
    return (parsed?.[part] ?? {}) as Record<string, unknown>
  } catch {
    // The message would quote the body.
    return {}
  }
}
