import type { Clock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import type { Audit } from './audit.ts'
import type { AccessMetrics } from './metrics.ts'
import type { Permission } from './roles.ts'
import { assertCaller, assertMay, type Caller, type Tokens } from './tokens.ts'

/** What the front knows of a request; the same canonical strings that are routed and sent. */
export interface Admission {
  /** The Authorization header as it came. */
  readonly authorization: string | undefined
  readonly permission: Permission
  /** One stable word or two, for the audit: `secrets.read`, `rollback`. */
  readonly operation: string
  readonly integration: string | null
  readonly customer: string | null
  readonly name: string | null
  readonly request: string | null
  readonly reason: string | null
}

export type Admit = (admission: Admission) => Promise<Caller>

/**
 * The one door: who asks, whether it may, and the audit record, in this order and before anything happens. Resolves to
 * the caller once the record is written. Rejects with `unauthenticated`, `forbidden` or `audit-unavailable` (I10).
 */
export const makeAdmit = (parts: {
  readonly tokens: Tokens
  readonly audit: Audit
  readonly clock: Clock
  readonly metrics?: AccessMetrics
}): Admit => {
  const { tokens, audit, clock, metrics } = parts
  const admit: Admit = async ({ authorization, permission, ...what }) => {
    const caller = assertCaller(tokens, authorization)
    const role = assertMay(caller, permission, what)
    await audit.append({ at: clock.wall(), actor: caller.name, role, ...what })
    return caller
  }
  return async (admission) => {
    try {
      const caller = await admit(admission)
      metrics?.authentications.inc({ outcome: 'admitted' })
      return caller
    } catch (error) {
      if (isFault(error)) metrics?.authentications.inc({ outcome: error.code })
      throw error
    }
  }
}
