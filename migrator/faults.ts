import { type FaultTable, makeFaults } from '../core/fault.ts'

export const MIGRATOR_FAULTS = {
  'run-active': {
    status: 409,
    title: 'A run of this integration is on its way',
    next: 'Watch it with crossfade status, wait for its end, or cancel it.',
  },
  'proof-missing': {
    status: 409,
    title: 'The proof that nothing would be lost is not complete; nothing was changed',
    next: 'Do what the detail names first; the same command without --execute names the commands.',
  },
} as const satisfies FaultTable

export const migratorFault = makeFaults(MIGRATOR_FAULTS)
