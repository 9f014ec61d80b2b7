/**
 * This process's own token: got by the first request that needs it, renewed in the background when two thirds of its time
 * are over, got anew where it cannot be renewed or was refused. Whatever needs a login waits for the same one. After a
 * failed one the next waits for a growing while, in which requests are told its outcome at once.
 *
 * A 403 may speak of the token or of the request. A look-up of the token tells them apart, so that a request that its
 * policy denies costs no login; of a token that may not look itself up, its mount does. Where neither can, a login is tried,
 * ever more rarely as long as none helps.
 */
import type { Clock } from '../../core/clock.ts'
import { unlessAborted } from '../abort.ts'
import { no } from '../failure.ts'
import type { SecretValue } from '../secret.ts'
import { type AskAuth, type Grant, type GrantOutcome, isKnown, type Login, lookUp, renew } from './logins.ts'
import type { VaultMetrics } from './metrics.ts'
import { type VaultFailure, vaultFailure } from './request.ts'

export interface IdentityOptions {
  readonly name: string
  readonly login: Login
  /** Where the tokens must be of use. */
  readonly mount: string | null
  /** Bounded in time by whoever gives it. */
  readonly ask: AskAuth
  readonly clock: Clock
  readonly metrics: VaultMetrics
}

export interface Held {
  readonly kind: 'held'
  readonly token: SecretValue
  readonly grant: Grant
}

export interface Identity {
  /** The token, or why there is none; waits for a login no longer than the signal. */
  held(signal: AbortSignal): Promise<Held | VaultFailure>
  /** After a 403 with `old`: another token if that was the reason, else null. */
  another(old: Held, signal: AbortSignal): Promise<Held | null>
  /** The token was of use: it is not that which is refused. */
  served(): void
  close(): void
}

interface Current extends Held {
  /** What the login gave, in ms; a renewal that gives much less says that the token's longest life is near. */
  readonly full: number | null
  /** On the monotonic clock. */
  readonly ends: number
  readonly renewAt: number
}

/** Of a token's time, when it is renewed. */
const RENEW_AT = 2 / 3
/** How often the file of a token is looked at, and one token is looked up at most. */
const FILE_LOOK_MS = 5_000
const LOOK_UP_MS = 1_000
const BACK_OFF_MS = 250
const LONGEST_BACK_OFF_MS = 30_000
const LONGEST_SUSPICION_MS = 300_000
/** A timer holds no more than 2^31 ms. */
const LONGEST_SLEEP_MS = 86_400_000

export function makeIdentity({ name, login, mount, ask, clock, metrics }: IdentityOptions): Identity {
  let current: Current | null = null
  let failure: VaultFailure | null = null
  let failures = 0
  let retryAt = 0
  let seenAt = 0
  let working: Promise<void> | null = null
  let looking: Promise<boolean> | null = null
  let timer = new AbortController()
  let closed = false

  const measured = async (step: string, work: Promise<GrantOutcome>): Promise<GrantOutcome> => {
    const start = clock.monotonic()
    const outcome = await work
    const label = outcome.kind === 'granted' ? 'granted' : outcome.failure.reason
    metrics.logins.inc({ store: name, step, outcome: label })
    metrics.loginLatency.observe({ store: name, step }, (clock.monotonic() - start) / 1000)
    return outcome
  }
  const good = (): Current | null => (current && clock.monotonic() < current.ends ? current : null)

  const accept = (grant: Grant, full: number | null): void => {
    const now = clock.monotonic()
    const { token, ttl } = grant
    const ends = ttl === null ? Number.POSITIVE_INFINITY : now + ttl
    const renewAt = ttl === null ? ends : now + Math.max(ttl * RENEW_AT, BACK_OFF_MS)
    current = { kind: 'held', token, grant, full, ends, renewAt }
    seenAt = now
    failure = null
    failures = 0
    retryAt = 0
  }
  const refuse = (why: VaultFailure): void => {
    failure = certainly(why)
    retryAt = clock.monotonic() + Math.min(BACK_OFF_MS * 2 ** failures, LONGEST_BACK_OFF_MS)
    failures += 1
  }

  const logIn = async (): Promise<void> => {
    const outcome = await measured('login', login.login(ask))
    if (outcome.kind === 'granted') accept(outcome.grant, outcome.grant.ttl)
    else refuse(outcome)
  }
  const refresh = async (): Promise<void> => {
    if (!current || !isWorthRenewing(current)) return logIn()
    const outcome = await measured('renew', renew(ask, current.token))
    if (outcome.kind === 'granted') accept(outcome.grant, current.full)
    else if (outcome.failure.reason === 'denied') await logIn()
    else refuse(outcome)
  }
  /** One at a time; who comes meanwhile waits for that one. */
  const work = (step: () => Promise<void>): Promise<void> => {
    working ??= step().finally(() => {
      working = null
      schedule()
    })
    return working
  }

  const schedule = (): void => {
    timer.abort()
    if (closed || !current) return
    timer = new AbortController()
    const now = clock.monotonic()
    const look = login.changed ? now + FILE_LOOK_MS : Number.POSITIVE_INFINITY
    const at = Math.min(Math.max(current.renewAt, retryAt), look, now + LONGEST_SLEEP_MS)
    clock.sleep(Math.max(0, at - now), timer.signal).then(wake, () => {})
  }
  const wake = async (): Promise<void> => {
    if (current && (await login.changed?.(current.token))) await work(logIn)
    else if (current && clock.monotonic() >= Math.max(current.renewAt, retryAt)) await work(refresh)
    else schedule()
  }

  const suspicion = makeSuspicion(clock)
  /** Whether a token that was refused is a good one all the same. If that cannot be said, it is kept. */
  const isAlive = (token: SecretValue): Promise<boolean> => {
    if (clock.monotonic() - seenAt < LOOK_UP_MS) return Promise.resolve(true)
    looking ??= judge(token).finally(() => {
      looking = null
    })
    return looking
  }
  const judge = async (token: SecretValue): Promise<boolean> => {
    const found = await measured('look-up', lookUp(ask, token))
    const isDenied = found.kind === 'failed' && found.failure.reason === 'denied'
    const known = isDenied ? await isKnown(ask, token, mount) : found.kind === 'granted' || null
    if (known === true) suspicion.unfounded()
    const isDead = known === false && suspicion.raise()
    // What was found out just now nobody needs to ask again at once.
    if (!isDead) seenAt = clock.monotonic()
    return !isDead
  }
  const isStale = async (token: SecretValue): Promise<boolean> =>
    login.changed ? login.changed(token) : !(await isAlive(token))

  const held: Identity['held'] = async (signal) => {
    const now = good()
    if (now) return now
    if (failure && clock.monotonic() < retryAt && !working) return failure
    await unlessAborted(work(logIn), signal, undefined)
    return good() ?? failure ?? TOO_SLOW
  }

  return {
    held,
    another: async (old, signal) => {
      const isOld = (): boolean => current?.token === old.token
      if (isOld()) {
        if (!(await unlessAborted(isStale(old.token), signal, false))) return null
        // A file may hold a token that is no better; any other login brings one that is.
        if (isOld() && login.changed) await unlessAborted(work(logIn), signal, undefined)
        else if (isOld()) current = null
      }
      // Somebody else may have come first, and be logging in.
      const now = await held(signal)
      return now.kind === 'held' && now.token !== old.token ? now : null
    },
    served: suspicion.unfounded,
    close: () => {
      closed = true
      timer.abort()
    },
  }
}

/** Logins that did not help say that it was not the token: the next is tried later, twice as long each time. */
function makeSuspicion(clock: Clock) {
  let raised = 0
  let dueAt = Number.NEGATIVE_INFINITY
  return {
    /** False: not now. */
    raise: (): boolean => {
      const now = clock.monotonic()
      if (now < dueAt) return false
      dueAt = now + Math.min(LOOK_UP_MS * 2 ** raised, LONGEST_SUSPICION_MS)
      raised += 1
      return true
    },
    unfounded: (): void => {
      raised = 0
      dueAt = Number.NEGATIVE_INFINITY
    },
  }
}

const TOO_SLOW = vaultFailure(no('unavailable', true), 'no login in time')

const isWorthRenewing = ({ grant, full }: Current): boolean =>
  grant.renewable && grant.ttl !== null && (full === null || grant.ttl >= full / 2)

/** A request that waited for a login was not sent, whatever became of the login. */
const certainly = ({ failure, detail }: VaultFailure): VaultFailure =>
  vaultFailure(failure.certain ? failure : no('unavailable', true), `no login: ${detail}`)
