import { Counter, type Registry } from 'prom-client'

export const makeAccessMetrics = (registry: Registry) => {
  const registers = [registry]
  return {
    authentications: new Counter({
      name: 'crossfade_authentications_total',
      help: 'Requests by the outcome of authentication and authorisation.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    auditEntries: new Counter({
      name: 'crossfade_audit_entries_total',
      help: 'Audit entries written before their operation.',
      registers,
    }),
    auditFailures: new Counter({
      name: 'crossfade_audit_failures_total',
      help: 'Operations that did not happen because their audit entry could not be written in time.',
      registers,
    }),
  }
}

export type AccessMetrics = ReturnType<typeof makeAccessMetrics>
