import type { Clock } from '../../core/clock.ts'
import { no } from '../failure.ts'
import type { Call } from '../store.ts'
import type { VaultClient } from '../vault/client.ts'
import { type VaultOutcome, type VaultRequest, vaultFailure } from '../vault/request.ts'
import type { Requests } from './engine.ts'
import { type ExpiringToken, type ExpiringTokens, LATE } from './expiring-tokens.ts'

export interface RequestsOptions {
  readonly client: VaultClient
  readonly mount: string
  /** Null: nothing but the caller's own clock keeps a late write away. */
  readonly tokens: ExpiringTokens | null
  readonly clock: Clock
}

/** Requests to one mount. */
export function makeRequests({ client, mount, tokens, clock }: RequestsOptions): Requests {
  const below = mount.split('/')

  const send = async (request: VaultRequest, call: Call) => {
    const outcome = await client.request(request, call)
    return isUnprintable(outcome, request) ? UNPRINTABLE : outcome
  }

  const writeWith = async (request: VaultRequest, { token, livesUntil }: ExpiringToken, call: Call) => {
    const outcome = await send({ ...request, token }, call)
    // A token that has ended and a request that is not allowed have the same answer.
    return isDenied(outcome) && clock.monotonic() >= livesUntil ? LATE : outcome
  }

  return {
    read: (path, query, call) => send({ method: 'GET', path: [...below, ...path], query }, call),
    write: async (method, path, body, call) => {
      const landBy = call.landBy ?? call.deadline
      if (clock.monotonic() >= landBy) return LATE
      if (call.signal?.aborted) return NEVER_SENT
      const request: VaultRequest = { method, path: [...below, ...path], ...(body !== null && { body }) }
      if (tokens === null) return send(request, call)
      const token = await tokens.of(landBy, call)
      return token.kind === 'token' ? writeWith(request, token, call) : token
    },
  }
}

const NEVER_SENT = vaultFailure(no('unavailable', true), 'its caller has left')

const isDenied = (outcome: VaultOutcome): boolean => outcome.kind === 'failed' && outcome.failure.reason === 'denied'

const UNPRINTABLE = vaultFailure(no('unrepresentable'), '400: a character of the path')

/** A character of the path is not printable in the server's version of Unicode: of that it says no more than 400. */
const isUnprintable = (outcome: VaultOutcome, { path }: VaultRequest): boolean =>
  outcome.kind === 'answer' &&
  outcome.status === 400 &&
  outcome.body.byteLength === 0 &&
  path.some((segment) => /[^ -~]/.test(segment))
