import { Redis } from 'ioredis'

export interface ConnectionOptions {
  /** redis:// or rediss://, without a password. */
  readonly url: string
  /** A function is asked for each connection: it may have been rotated. */
  readonly password: string | (() => string) | null
  /** Shown by CLIENT LIST. */
  readonly name: string
  /** ms until an attempt to connect, or a command without an answer, counts as failed. */
  readonly timeout: number
  /** From 0 to 1; spreads the replicas that come back to a restarted Redis. */
  readonly random: () => number
}

const FIRST_WAIT_MS = 50
const MOST_WAIT_MS = 2000

/** ms before the next attempt: doubled each time up to a bound, and only half of it certain. */
export const retryWait = (attempt: number, random: () => number): number => {
  const most = Math.min(FIRST_WAIT_MS * 2 ** Math.min(attempt - 1, 10), MOST_WAIT_MS)
  return most / 2 + (most / 2) * random()
}

/**
 * One connection that comes back for ever, and whose commands never wait for it: what cannot be sent now fails now. A
 * message that arrives late is worth less than one that is known to be lost.
 */
export function makeConnection({ url, password, name, timeout, random }: ConnectionOptions): Redis {
  const redis: Redis = new Redis(url, {
    ...(password === null ? {} : { password: typeof password === 'function' ? password() : password }),
    connectionName: name,
    connectTimeout: timeout,
    commandTimeout: timeout,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // It would want the right to INFO; whether messages go around is found out by sending one.
    enableReadyCheck: false,
    disableClientInfo: true,
    retryStrategy: (attempt) => {
      if (typeof password === 'function') redis.options.password = password()
      return retryWait(attempt, random)
    },
  })
  return redis
}
