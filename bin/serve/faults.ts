import { type FaultTable, makeFaults } from '../../core/fault.ts'

export const SERVE_FAULTS = {
  'not-configured': {
    status: 404,
    title: 'The configuration does not name it',
    next: 'Name an integration of the configuration; crossfade status lists them.',
  },
  'shape-refused': {
    status: 500,
    title: 'A store cannot hold the values of an integration',
    next: 'Change the value or the stores of the integration; crossfade config check says why.',
  },
  'port-taken': {
    status: 500,
    title: 'Another program listens on the port',
    next: 'Stop it, or set another address below listen; embedded: --data names another system.',
  },
  'flags-not-writable': {
    status: 409,
    title: 'The flags come from a server, and no token to change them there is configured',
    next: 'Add flags.admin to the configuration, or give --unleash-token-file; or change the flag in Unleash.',
  },
  'bus-required': {
    status: 500,
    title: 'Several processes on one ledger need a bus',
    next: 'Add the section bus to the configuration, or serve with one process.',
  },
  'worker-failed': {
    status: 500,
    title: 'A worker ended before it served',
    next: 'Its own message above says why; serve without --workers shows it alone.',
  },
  'worker-unavailable': {
    status: 503,
    title: 'The worker that would answer is not there',
    next: 'Try again after Retry-After; it is being started again.',
  },
  'store-has-no-keys': {
    status: 409,
    title: 'The store does not seal values under keys of its own',
    next: 'Name a store of kind sealed.',
  },
  'key-change-refused': {
    status: 409,
    title: "The customer's key does not allow it; nothing was changed",
    next: 'Look at crossfade keys show STORE --customer CUSTOMER; a key that was destroyed is gone for good.',
  },
  'keys-unavailable': {
    status: 503,
    title: 'The store or its keyring did not answer; what was done before stays done',
    next: 'Run the same command again.',
  },
  'replica-alive': {
    status: 409,
    title: 'The replica gives signs of life; counted out, it could still write past the ledger',
    next: 'Stop that process and wait until crossfade replicas shows it as gone.',
  },
  'replica-unknown': {
    status: 404,
    title: 'No replica of this name is registered',
    next: 'Look at crossfade replicas.',
  },
} as const satisfies FaultTable

export const serveFault = makeFaults(SERVE_FAULTS)
