import { type FaultTable, makeFaults } from '../../core/fault.ts'

/** Why a configuration cannot be used; `detail` lists every problem, one a line, each with its place in the file. */
export const CONFIG_FAULTS = {
  'config-unreadable': {
    status: 500,
    title: 'The configuration file cannot be read',
    next: 'Check the path and its permissions; crossfade.example.yaml is a full example.',
  },
  'config-invalid': {
    status: 500,
    title: 'The configuration is not valid',
    next: 'Correct the lines named above and run crossfade config check FILE again.',
  },
} as const satisfies FaultTable

export const configFault = makeFaults(CONFIG_FAULTS)
