import type { Clock } from '../core/clock.ts'
import { type Audit, makeAuditToAll } from './audit.ts'
import { makeFileAudit } from './audit-file.ts'
import type { AuditConfig } from './config.ts'
import type { AccessMetrics } from './metrics.ts'

/** The audit that the section `audit` names. Rejects with `audit-unavailable` if a sink cannot be opened. */
export const makeAudit = async (
  config: AuditConfig,
  parts: { readonly clock: Clock; readonly metrics?: AccessMetrics },
): Promise<Audit> => {
  const open = config.sinks.map(({ path, sync }) => makeFileAudit({ path, sync, deadline: config.deadline, ...parts }))
  return makeAuditToAll(await Promise.all(open))
}
