import type { FastifyRequest } from 'fastify'
import type { Audit } from '../../access/audit.ts'
import type { AccessMetrics } from '../../access/metrics.ts'
import type { Permission, Role } from '../../access/roles.ts'
import { assertCaller, assertMay, type Caller, type Subject, type Tokens } from '../../access/tokens.ts'
import type { Clock } from '../../core/clock.ts'

export interface AdmissionDeps {
  readonly tokens: Tokens
  readonly audit: Audit
  readonly clock: Clock
  readonly accessMetrics: AccessMetrics
}

/** What is about to be done, and to what. */
export interface Intent extends Subject {
  readonly permission: Permission
  readonly operation: string
  readonly name: string | null
  readonly reason: string | null
}

/** Who is behind a request. Throws `unauthenticated`. */
export function identify(deps: AdmissionDeps, request: FastifyRequest): Caller {
  return counted(deps, 'unauthenticated', () => assertCaller(deps.tokens, request.headers.authorization))
}

/** Throws `forbidden`. */
export function authorise(
  deps: AdmissionDeps,
  caller: Caller,
  intent: Pick<Intent, 'permission' | keyof Subject>,
): Role {
  const role = counted(deps, 'forbidden', () => assertMay(caller, intent.permission, intent))
  deps.accessMetrics.authentications.inc({ outcome: 'admitted' })
  return role
}

/** Written before the operation; rejects with `audit-unavailable`, and then the operation must not happen (I10). */
export const record = (
  deps: AdmissionDeps,
  caller: Caller,
  role: Role,
  intent: Intent,
  request: string,
): Promise<void> =>
  deps.audit.append({
    at: deps.clock.wall(),
    actor: caller.name,
    role,
    operation: intent.operation,
    integration: intent.integration,
    customer: intent.customer,
    name: intent.name,
    request,
    reason: intent.reason,
  })

function counted<T>(deps: AdmissionDeps, outcome: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    deps.accessMetrics.authentications.inc({ outcome })
    throw error
  }
}
