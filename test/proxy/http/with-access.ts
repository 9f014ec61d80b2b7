import { randomBytes, randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import type { Audit, AuditEntry } from '../../../access/audit.ts'
import { accessFault } from '../../../access/faults.ts'
import { makeAccessMetrics } from '../../../access/metrics.ts'
import { mintToken } from '../../../access/token.ts'
import { makeTokens } from '../../../access/tokens.ts'
import { systemClock } from '../../../core/clock.ts'

export interface LogLine {
  readonly fields: object
  readonly message: string
}

/** Real tokens, an audit that is kept in memory and can be made to fail, and everything that is logged. */
export function withAccess() {
  const mint = (name: string, role: 'client' | 'viewer' | 'operator', bound: object = {}) => {
    const { token, entry } = mintToken({ name, roles: [role] }, randomBytes)
    return { token, entry: { ...entry, ...bound } }
  }
  const minted = {
    client: mint('worker', 'client'),
    bound: mint('aws-worker', 'client', { integrations: ['aws'], customers: ['c1'] }),
    viewer: mint('viewer', 'viewer'),
    operator: mint('operator', 'operator'),
    awsOperator: mint('aws-operator', 'operator', { integrations: ['aws'] }),
  }
  const entries: AuditEntry[] = []
  const lines: LogLine[] = []
  let failing = false
  const audit: Audit = {
    append: async (entry) => {
      if (failing) throw accessFault('audit-unavailable', 'the disk is full', { retryAfter: 1 })
      entries.push(entry)
    },
    reopen: async () => {},
    close: async () => {},
  }
  const keep = (fields: object, message: string): void => {
    lines.push({ fields, message })
  }
  const registry = new Registry()
  return {
    deps: {
      tokens: makeTokens(Object.values(minted).map(({ entry }) => entry)),
      audit,
      clock: systemClock,
      accessMetrics: makeAccessMetrics(registry),
      log: { info: keep, error: keep },
      newId: randomUUID,
    },
    registry,
    tokenOf: (who: keyof typeof minted) => minted[who].token,
    audited: entries,
    lines,
    failAudit: () => {
      failing = true
    },
  }
}
