import { type FaultTable, makeFaults } from '../../core/fault.ts'

/** Why the embedded system did not start; `crossfade serve --embedded` prints title, detail and `next`, and exits 1. */
export const EMBEDDED_FAULTS = {
  'embedded-platform-unsupported': {
    status: 500,
    title: 'No embedded PostgreSQL for this machine',
    next: 'Run npm ci again without --omit=optional, or serve with --config and a PostgreSQL of your own.',
  },
  'embedded-no-user': {
    status: 500,
    title: 'PostgreSQL refuses to run as root and no other user can run it',
    next: 'Start as an ordinary user, or make sure that the user postgres or nobody exists.',
  },
  'embedded-postgres-unusable': {
    status: 500,
    title: 'The embedded PostgreSQL does not run on this machine',
    next: 'Read the line quoted above; or serve with --config and a PostgreSQL of your own.',
  },
  'embedded-already-running': {
    status: 500,
    title: 'Another Crossfade uses this data folder',
    next: 'Stop the process named above, or start this one with --data DIR.',
  },
  'embedded-data-unusable': {
    status: 500,
    title: 'The data folder cannot be used',
    next: 'Move the folder named above away (mv it to another name) to start anew, or start with --data DIR.',
  },
  'embedded-port-taken': {
    status: 500,
    title: 'The port of the embedded PostgreSQL is taken',
    next: 'Stop the program that listens there, or choose another port.',
  },
  'embedded-disk-full': {
    status: 500,
    title: 'No space is left for the embedded PostgreSQL',
    next: 'Free some space (about 300 MB are needed), or start with --data DIR on another disk.',
  },
} as const satisfies FaultTable

export const embeddedFault = makeFaults(EMBEDDED_FAULTS)
