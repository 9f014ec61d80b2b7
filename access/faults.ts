import { type FaultTable, makeFaults } from '../core/fault.ts'

export const ACCESS_FAULTS = {
  unauthenticated: {
    status: 401,
    title: 'A valid bearer token is needed',
    next: 'Send Authorization: Bearer with a token of the tokens file.',
  },
  forbidden: {
    status: 403,
    title: 'This token may not do that',
    next: 'Use a token with the role, integration and customer that the operation needs.',
  },
  'tokens-file-exposed': {
    status: 500,
    title: 'The tokens file may be read by others than its owner',
    next: 'Take the rights of group and others away: chmod 600.',
  },
  'tokens-file-invalid': {
    status: 500,
    title: 'The tokens file cannot be used',
    next: 'Repair the file: a YAML list of tokens with name, role and hash.',
  },
  'audit-unavailable': {
    status: 503,
    title: 'The audit record could not be written; the operation did not happen',
    next: 'Check the disk and the folder of the audit file; try again.',
  },
} as const satisfies FaultTable

export const accessFault = makeFaults(ACCESS_FAULTS)
