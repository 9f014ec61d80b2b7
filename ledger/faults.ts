import { type FaultTable, makeFaults } from '../core/fault.ts'

export const LEDGER_FAULTS = {
  'ledger-unavailable': {
    status: 503,
    title: 'The ledger is not available; nothing was written',
    next: 'Try again after Retry-After; look at the ledger database; do not restart replicas.',
  },
  'ledger-schema-newer': {
    status: 503,
    title: 'The ledger was made by a newer version of Crossfade',
    next: 'Run that version, or restore the ledger of this one.',
  },
  'ledger-unsafe': {
    status: 503,
    title: 'The ledger database would lose acknowledged writes in a crash',
    next: 'Set synchronous_commit and fsync to on for the ledger database and its role.',
  },
  'second-replica': {
    status: 409,
    title: 'Another replica lives on this ledger, and there is no bus between them',
    next: 'Stop the other one, wait until its lease is over, or configure bus.',
  },
  'stage-refused': {
    status: 409,
    title: 'The integration is not in a state from which this can be done',
    next: 'Look at crossfade status; the detail names the state.',
  },
  'fingerprint-key-missing': {
    status: 503,
    title: 'The fingerprint key is not there, and an integration is not finalized',
    next: 'Restore the file. Only if no integration is enrolled may a new one be made: 32 random bytes.',
  },
} as const satisfies FaultTable

export const ledgerFault = makeFaults(LEDGER_FAULTS)
