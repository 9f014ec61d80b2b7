/**
 * What a connection is made with. Each new one reads the password anew, so that a rotated one needs no restart. What a URL
 * says in `options` comes before Crossfade's own, which therefore wins: the driver by itself would let the URL's replace them.
 */
import pg from 'pg'

/** The driver would let these win over what Crossfade sets itself, such as the deadline of every statement. */
const OWN = [
  'statement_timeout',
  'lock_timeout',
  'query_timeout',
  'idle_in_transaction_session_timeout',
  'connectionTimeoutMillis',
  'idleTimeoutMillis',
  'application_name',
  'fallback_application_name',
  'client_encoding',
  'keepAlive',
  'max',
  'min',
  'maxUses',
  'replication',
  'binary',
] as const

/** The parameter of a URL's query that Crossfade sets itself; null: there is none. */
export function ownParameter(url: string): string | null {
  if (!URL.canParse(url)) return null
  const given = new Set([...new URL(url).searchParams.keys()].map((key) => key.toLowerCase()))
  return OWN.find((key) => given.has(key.toLowerCase())) ?? null
}

export type Password = string | (() => string) | null | undefined

export interface Session {
  readonly url: string
  readonly password: Password
  /** Such as `-c synchronous_commit=on`. */
  readonly settings: string
}

/** What a pool makes its connections with; beside `connectionString` the driver would ignore a password of its own. */
export function sessionOf({ url, password, settings }: Session): Pick<pg.PoolConfig, 'Client' | 'options'> {
  const target = new URL(url)
  const given = target.searchParams.getAll('options')
  target.searchParams.delete('options')
  const connectionString = (): string => {
    const current = typeof password === 'function' ? password() : password
    if (current === null || current === undefined) return target.href
    const whole = new URL(target.href)
    whole.password = encodeURIComponent(current)
    return whole.href
  }
  class FreshClient extends pg.Client {
    constructor(config?: pg.ClientConfig) {
      super({ ...config, connectionString: connectionString() })
    }
  }
  return { Client: FreshClient, options: [...given, settings].join(' ') }
}
