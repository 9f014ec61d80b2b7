import { type FaultTable, makeFaults } from '../core/fault.ts'

/** Every refusal of a client's request; docs/errors.md lists the same codes, and a test checks both ways. */
export const PROXY_FAULTS = {
  'unknown-integration': {
    status: 404,
    title: 'No such integration',
    next: 'Name an integration of the configuration.',
  },
  'secret-not-found': { status: 404, title: 'No such secret', next: 'Check integration, customer and name.' },
  'precondition-failed': {
    status: 412,
    title: 'The secret is not what the precondition names',
    next: 'Read it again and decide with its ETag.',
  },
  'operation-in-progress': {
    status: 503,
    title: 'Another write of this secret is in progress',
    next: 'Try again after Retry-After.',
  },
  'too-many-writers': {
    status: 429,
    title: 'Too many writers of this secret wait already; nothing was written',
    next: 'Try again after Retry-After; have fewer clients write the same secret.',
  },
  'conditional-write-unsupported': {
    status: 501,
    title: 'This store cannot compare and set',
    next: 'Write without a precondition, or enrol the integration.',
  },
  'customer-revoked': {
    status: 403,
    title: "The customer's key at this store was revoked; nothing was read or written",
    next: 'Give it back with crossfade keys restore, unless the key was destroyed.',
  },
  'store-refused': {
    status: 502,
    title: 'The store refused the request; nothing was written',
    next: 'Try again; look at the store named in the detail.',
  },
  'store-unavailable': {
    status: 503,
    title: 'The store that serves this secret is not available; nothing was written',
    next: 'Try again after Retry-After.',
  },
  'outcome-unknown': {
    status: 504,
    title: 'Nobody can say whether the write took effect',
    next: 'Read the secret, or write it again.',
  },
  unrepresentable: {
    status: 422,
    title: 'One of the two stores cannot hold this value unchanged',
    next: 'Change the value, or the shape of the integration.',
  },
  'value-too-large': {
    status: 413,
    title: 'The value is larger than the integration allows',
    next: 'Send a smaller value, or raise max_size.',
  },
  'value-unreadable': {
    status: 502,
    title: 'The stored value cannot be decrypted or decoded',
    next: 'Look at the row in that store: its cipher, encoding or metadata is not what the mapping says. Once enrolled, crossfade quarantine list names such secrets.',
  },
  'value-missing': {
    status: 502,
    title: 'The store does not have what the ledger says it holds, and no other side does',
    next: 'Was the store restored from a dump? Look at crossfade mismatches after a verify; write or delete the secret anew.',
  },
  'freshness-unproven': {
    status: 503,
    title: 'Nobody can prove which store holds the latest value',
    next: 'Try again after Retry-After; look at the ledger database; ledger.when_down.reads decides.',
  },
} as const satisfies FaultTable

export const proxyFault = makeFaults(PROXY_FAULTS)
