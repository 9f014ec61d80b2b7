import type { Fault } from '../../core/fault.ts'

/** Every way a command can end; docs/cli.md and `--help` print this table. */
export const EXITS = {
  ok: { code: 0, when: 'done, or a dry run that found nothing wrong' },
  error: { code: 1, when: 'it failed; the message says why and what to do' },
  usage: { code: 2, when: 'the command line or the configuration is wrong; nothing was done' },
  mismatches: { code: 3, when: 'the two sides differ' },
  refused: { code: 4, when: 'a gate, a cap or the state of the integration refuses it' },
  partial: { code: 5, when: 'part of it is done; run it again to go on' },
  unavailable: { code: 6, when: 'a store, the ledger or the server does not answer' },
  denied: { code: 7, when: 'the token may not do that' },
  locked: { code: 8, when: 'it is running already' },
  drift: { code: 9, when: 'with --detailed-exitcode: flags are not what the file says' },
  interrupted: { code: 130, when: 'Ctrl-C' },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly when: string }>>

export type Exit = keyof typeof EXITS

/** Codes whose status alone would say something else. */
const BY_CODE: Readonly<Record<string, Exit>> = {
  'config-unreadable': 'usage',
  'config-invalid': 'usage',
  'cohort-file-unreadable': 'usage',
  'tokens-file-exposed': 'usage',
  'tokens-file-invalid': 'usage',
  'embedded-already-running': 'locked',
  'run-active': 'locked',
  'flags-document-invalid': 'usage',
  'moves-invalid': 'usage',
}

const BY_STATUS: Readonly<Record<number, Exit>> = {
  400: 'usage',
  401: 'denied',
  403: 'denied',
  409: 'refused',
  423: 'locked',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
}

export const exitOfFault = (fault: Fault): Exit => BY_CODE[fault.code] ?? BY_STATUS[fault.status] ?? 'error'
