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
  'flag-token-refused': {
    status: 403,
    title: 'The flag server refuses the token',
    next: 'Use a token that may change flags of the project: a personal one (--unleash-token-file), or that of flags.admin.',
  },
  'flag-server-unreachable': {
    status: 503,
    title: 'The flag server does not answer as it should',
    next: 'Check its address and that it runs; then run the command again, which goes on where this one ended.',
  },
  'flag-server-refused': {
    status: 409,
    title: 'The flag server refuses the change',
    next: 'Its reason is in the detail; change what it names, then run the command again.',
  },
  'flag-server-lacks': {
    status: 404,
    title: 'The flag server has no such thing',
    next: 'Check the project and the environment of flags.admin; run the command again if a flag was deleted just now.',
  },
  'flag-server-not-understood': {
    status: 502,
    title: 'The flag server answers in a form that this version does not know',
    next: 'Check that the address is that of an Unleash server, version 7.',
  },
  'flag-disturbed': {
    status: 409,
    title: 'Someone else changed the flag at the same time',
    next: 'Look at the flag, then run the command again; it starts from what stands there now.',
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
