import { type FaultTable, makeFaults } from '../../core/fault.ts'

/** What the two HTTP fronts refuse before any operation begins, and what they say when something broke. */
export const HTTP_FAULTS = {
  'path-refused': {
    status: 400,
    title: 'This path does not name a secret',
    next: 'Send /api/v1/secrets/INTEGRATION/CUSTOMER/NAME with literal segments; no %2F, no empty, . or .. segments.',
  },
  'parameter-refused': {
    status: 400,
    title: 'A parameter or field of the request is not valid',
    next: 'Look at the detail and at /api/v1/openapi.json.',
  },
  'header-refused': {
    status: 400,
    title: 'A header of the request is not valid',
    next: 'Send crossfade-meta-KEY with KEY of a-z, 0-9 and -, and printable ASCII; percent-encode the rest as UTF-8.',
  },
  'precondition-refused': {
    status: 400,
    title: 'The precondition is not one that this operation knows',
    next: 'Send If-Match with quoted ETags or *, or If-None-Match: * with a put.',
  },
  'request-malformed': {
    status: 400,
    title: 'The request is not valid HTTP, or its body is not what was announced',
    next: 'Repair the client; the request was not carried out.',
  },
  'media-type-unsupported': {
    status: 415,
    title: 'The body is of a kind that is not taken here',
    next: 'Send the value as it shall be stored, without Content-Encoding; operators send JSON.',
  },
  'request-timeout': {
    status: 408,
    title: 'The request did not arrive in time',
    next: 'Send the whole request at once; it was not carried out.',
  },
  'coding-unsupported': {
    status: 501,
    title: 'This transfer coding is not known here',
    next: 'Send the body with Content-Length, or chunked and nothing else.',
  },
  'expectation-failed': {
    status: 417,
    title: 'The expectation of the request cannot be met',
    next: 'Send no Expect header, or 100-continue.',
  },
  'headers-too-large': {
    status: 431,
    title: 'The headers or the metadata are larger than is taken',
    next: 'Send at most 32 metadata headers and 4 KiB of metadata.',
  },
  'no-such-route': {
    status: 404,
    title: 'There is nothing at this path',
    next: 'Look at /api/v1/openapi.json; clients and operators have ports of their own.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'This path does not know that method',
    next: 'Use a method of the Allow header.',
  },
  'reason-required': {
    status: 400,
    title: 'This operation wants a reason',
    next: 'Say why: --reason on the command line, reason in the body.',
  },
  'too-many-watchers': {
    status: 503,
    title: 'Too many live pages are open at this replica',
    next: 'Close one, or ask another replica.',
  },
  internal: {
    status: 500,
    title: 'Something broke inside Crossfade',
    next: 'Look for the request id in the log of the replica; for a write, read the secret before trying again.',
  },
} as const satisfies FaultTable

export const httpFault = makeFaults(HTTP_FAULTS)
