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
  'ledger-schema-older': {
    status: 409,
    title: 'The ledger is not there yet, or was made by an older version of Crossfade',
    next: 'Start crossfade serve once: it makes it, or brings it up to date.',
  },
  'ledger-denied': {
    status: 500,
    title: 'The role of the ledger may not make what the ledger needs',
    next: 'Let a DBA run: create schema crossfade authorization ROLE, or grant create on the database to it. crossfade config check --connect says what else.',
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
  'integration-left-out': {
    status: 409,
    title: 'The ledger holds an integration that the configuration does not name',
    next: 'Configure it again. To end it: crossfade abandon or crossfade finalize, and leave it out then.',
  },
  'enrolled-otherwise': {
    status: 409,
    title: 'An integration is configured otherwise than it was enrolled',
    next: 'Set it back, or end it first: crossfade abandon or crossfade finalize. For data that was moved as it is: crossfade config accept FILE. For a new name: crossfade integrations rename.',
  },
  'rename-refused': {
    status: 409,
    title: 'The integration cannot go by that name; nothing was changed',
    next: 'Look at crossfade integrations list; the detail says what comes first.',
  },
  'replica-differs': {
    status: 409,
    title: 'A live replica is configured otherwise',
    next: 'Give both the same configuration; it goes on by itself once they have, or the other one has ended.',
  },
  'fingerprint-key-differs': {
    status: 409,
    title: 'This is not the fingerprint key of the ledger',
    next: 'Give every process the key that the ledger was begun with; another one is taken once nothing is enrolled.',
  },
  'etag-key-differs': {
    status: 409,
    title: 'This is not the ETag key that the other processes had',
    next: 'Give every process the same key. To exchange it, stop all of them: crossfade config accept FILE.',
  },
  'cohort-capped': {
    status: 409,
    title: 'A cap covers customers whom the configuration would take out of it',
    next: 'Keep the cohort as it is, or lift the cap first: crossfade lift.',
  },
  'store-silent': {
    status: 503,
    title: 'A store does not say which one it is',
    next: 'Look at the store; what was asked for goes on when it answers.',
  },
  'fingerprint-key-missing': {
    status: 503,
    title: 'The fingerprint key is not there, and an integration is not finalized',
    next: 'Restore the file. Only if no integration is enrolled may a new one be made: 32 random bytes.',
  },
} as const satisfies FaultTable

export const ledgerFault = makeFaults(LEDGER_FAULTS)
