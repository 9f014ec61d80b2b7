import { type FaultTable, makeFaults } from '../core/fault.ts'

/** What stops a store from being built or prepared. What a call meets later is an outcome, never a fault. */
export const BACKEND_FAULTS = {
  'store-file-unreadable': {
    status: 500,
    title: 'A file that a store needs cannot be used',
    next: 'Check that the file exists, may be read by this user, and holds what the option asks for.',
  },
  'answer-not-asked': {
    status: 500,
    title: 'A store or its caller lost track of a batch',
    next: 'Nothing was answered to the wrong question. Report it: this is a defect of the program.',
  },
  'sealed-schema-newer': {
    status: 500,
    title: 'The sealed store was migrated by a newer version of this program',
    next: 'Run that version, or a newer one; nothing was changed.',
  },
} as const satisfies FaultTable

export const backendFault = makeFaults(BACKEND_FAULTS)
