import { type FaultTable, makeFaults } from '../core/fault.ts'

export const FLAGS_FAULTS = {
  'flags-file-malformed': {
    status: 422,
    title: 'The flags file cannot be edited',
    next: 'Repair the file: it must be JSON of the client-features format of Unleash.',
  },
  'flag-not-editable': {
    status: 409,
    title: 'This flag was written by hand in a form that set cannot edit',
    next: 'Change it where it was written, or replace it with a ladder.',
  },
  'cohort-file-unreadable': {
    status: 500,
    title: 'The list of customers of a cohort cannot be read',
    next: 'Check that the file exists and may be read.',
  },
  'flag-token-unreadable': {
    status: 500,
    title: 'The token for the flag server cannot be read',
    next: 'Check that the file of token_file exists, holds a token and may be read.',
  },
  'phase-memory-unavailable': {
    status: 503,
    title: 'It is not known which phases stood last',
    next: 'Wait for the ledger; the start is tried again.',
  },
  'gate-busy': {
    status: 503,
    title: 'What a gate remembers changed again and again meanwhile',
    next: 'Try again; crossfade gates list shows where it stands.',
  },
  'lift-refused': {
    status: 409,
    title: 'The flag asks for more than runs now, so lifting would move customers forward',
    next: 'Set the flag to what runs now with the command in the detail, or lift with --force.',
  },
} as const satisfies FaultTable

export const flagsFault = makeFaults(FLAGS_FAULTS)
