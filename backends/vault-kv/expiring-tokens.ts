/**
 * A bound on late writes at a server that has none: each write carries a child of this process's own token, made with so
 * short a life that it ends before the write may no longer land. A request that arrives later is refused by the server
 * itself, by its own clock, whatever held it up on the way. (Measured on OpenBao 2.7.2: a service token of 1.5 s is taken
 * until 1.500 s and refused from then on; batch tokens count whole seconds.)
 *
 * A token's life is counted from when its making was answered, so it never ends later than is thought. Writes share one as
 * long as it suits them: about two are made a second while there are writes, none otherwise.
 */
import type { Clock } from '../../core/clock.ts'
import { unlessAborted } from '../abort.ts'
import { no } from '../failure.ts'
import { SecretValue } from '../secret.ts'
import type { Call } from '../store.ts'
import type { VaultClient } from '../vault/client.ts'
import { type VaultFailure, vaultFailure } from '../vault/request.ts'
import { part, readAnswer, textIn } from './answers.ts'

export interface ExpiringToken {
  readonly kind: 'token'
  readonly token: SecretValue
  /** On the monotonic clock: surely alive before this, */
  readonly livesUntil: number
  /** and surely not from here on. */
  readonly diesBy: number
}

export interface ExpiringTokens {
  /** A token that is dead at `landBy`; `late` if there is no time left to make one and use it. */
  of(landBy: number, call: Call): Promise<ExpiringToken | VaultFailure>
}

/** Of what is left of a write's time, the life of a token made for it; the rest is for making it. */
const SHARE = 0.6
const LONGEST_MS = 1000
/** With less left of its life a token is not given to another write. */
const LEAST_MS = 400
const TOO_SHORT_MS = 20
/** How much the server's clock may run faster or slower than ours, as SPEC.md, section 12, assumes. */
const DRIFT = 0.001

export const LATE = vaultFailure(no('late', true), 'no time left')

export function makeExpiringTokens(client: VaultClient, clock: Clock): ExpiringTokens {
  let shared: ExpiringToken | null = null
  let making: Promise<ExpiringToken | VaultFailure> | null = null

  const make = async (life: number): Promise<ExpiringToken | VaultFailure> => {
    const sent = clock.monotonic()
    const body = JSON.stringify({ type: 'service', ttl: `${life}ms`, renewable: false, no_default_policy: true })
    const request = { method: 'POST', path: ['auth', 'token', 'create'], body } as const
    const outcome = await client.request(request, { deadline: sent + LONGEST_MS })
    if (outcome.kind === 'failed') return certainly(outcome)
    const token = textIn(part(readAnswer(outcome.body) ?? {}, 'auth'), 'client_token')
    if (outcome.status !== 200 || token === '') return vaultFailure(no('denied'), `${outcome.status}: no child token`)
    return {
      kind: 'token',
      token: SecretValue.ofText(token),
      livesUntil: sent + life * (1 - DRIFT),
      diesBy: clock.monotonic() + life * (1 + DRIFT),
    }
  }
  const makeShared = async (): Promise<ExpiringToken | VaultFailure> => {
    const made = await make(LONGEST_MS)
    making = null
    if (made.kind === 'token') shared = made
    return made
  }

  return {
    of: async (landBy, call) => {
      const now = clock.monotonic()
      if (shared && shared.diesBy <= landBy && now + LEAST_MS <= shared.livesUntil) return shared
      const life = Math.floor(Math.min(LONGEST_MS, (landBy - now) * SHARE))
      if (life < TOO_SHORT_MS) return LATE
      if (life === LONGEST_MS) making ??= makeShared()
      const made = await unlessAborted(
        life === LONGEST_MS ? (making as Promise<ExpiringToken>) : make(life),
        call.signal,
        NOT_MADE,
      )
      return made.kind === 'token' && made.diesBy > landBy ? LATE : made
    },
  }
}

const NOT_MADE = vaultFailure(no('unavailable', true), 'no child token in time')

/** The write itself was not sent, whatever became of the token. */
const certainly = ({ failure, detail }: VaultFailure): VaultFailure =>
  vaultFailure(failure.certain ? failure : no('unavailable', true), `no child token: ${detail}`)
