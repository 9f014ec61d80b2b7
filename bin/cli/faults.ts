import { type FaultTable, makeFaults } from '../../core/fault.ts'

/** What only a command can meet; everything else it prints comes from a server or a file, with a code of its own. */
export const CLI_FAULTS = {
  usage: {
    status: 400,
    title: 'The command line is wrong',
    next: 'Read crossfade --help, or crossfade COMMAND --help.',
  },
  'reason-refused': {
    status: 400,
    title: 'The reason cannot be kept; nothing was sent',
    next: 'Say it in fewer words; where the rest stands can be part of it.',
  },
  'nothing-running': {
    status: 503,
    title: 'No embedded system is running here',
    next: 'Start one with npm start, or name a server with --url and --token-file.',
  },
  'server-unreachable': {
    status: 503,
    title: 'The server does not answer',
    next: 'Check the address, and that it runs; then run the command again.',
  },
  'answer-not-understood': {
    status: 502,
    title: 'The server answered something that this version does not understand',
    next: 'Check the address (clients and operators have ports of their own); use the crossfade of the same version.',
  },
  'token-file-unusable': {
    status: 400,
    title: 'The token file cannot be used',
    next: 'Name a file that holds one token and that only you may read: chmod 600 it.',
  },
  'file-unusable': {
    status: 400,
    title: 'The file cannot be used',
    next: 'Check the path and its permissions.',
  },
  'flags-document-invalid': {
    status: 422,
    title: 'The file of ladders is not valid; nothing was done',
    next: 'Correct the lines named above; flags.example.yaml is a full example, flags.schema.json its schema.',
  },
  'moves-invalid': {
    status: 422,
    title: 'The file of moves is not valid; nothing was done',
    next: 'Correct the lines named above; crossfade migrate --all --plan writes one.',
  },
  'flags-refused': {
    status: 409,
    title: 'Some flags hold what Crossfade did not write, and were left as they are',
    next: 'Put them right in Unleash, or say --take-over to replace what is foreign.',
  },
  'flags-lint-failed': {
    status: 422,
    title: 'The flags would surprise their author',
    next: 'Correct the flags named above, or replace them with crossfade flags set.',
  },
  'unexpected-failure': {
    status: 500,
    title: 'Something failed that should not have',
    next: 'Run it again; if it fails again, report it with this message.',
  },
} as const satisfies FaultTable

export const cliFault = makeFaults(CLI_FAULTS)
