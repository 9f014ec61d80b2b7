import type { z } from 'zod'
import {
  acceptFlagsAnswer,
  acceptFlagsBody,
  capsAnswer,
  capsQuery,
  flagsAnswer,
  flagsQuery,
  liftAnswer,
  liftBody,
  lintFlagsAnswer,
  rollbackAnswer,
  rollbackBody,
  setFlagsAnswer,
  setFlagsBody,
} from './control.ts'
import { forceGateAnswer, forceGateBody, gatesAnswer, gatesQuery } from './gates.ts'
import { historyAnswer, historyQuery } from './history.ts'
import { INTEGRATION_ROUTES } from './integrations.ts'
import {
  changeKeysAnswer,
  changeKeysBody,
  keysAnswer,
  keysParams,
  keysQuery,
  rewrapAnswer,
  rewrapBody,
} from './keys.ts'
import { paceAnswer, paceQuery, setPaceBody } from './pace.ts'
import { forgetReplicaAnswer, forgetReplicaBody, replicasAnswer } from './replicas.ts'
import { RUN_ROUTES } from './runs.ts'
import { explainAnswer, explainParams, statusAnswer, statusQuery } from './status.ts'
import { NOTHING, whoamiAnswer } from './words.ts'
import {
  acceptAnswer,
  acceptBody,
  eventsAnswer,
  eventsQuery,
  leaveBody,
  migrateBody,
  mismatchesAnswer,
  mismatchesQuery,
  progressAnswer,
  progressParams,
  quarantineAnswer,
  quarantineQuery,
  retryAnswer,
  retryBody,
  startAnswer,
  verifyBody,
} from './work.ts'

/** Everything under it wants a bearer token of a viewer (to look) or an operator (to change). */
export const OPS_PREFIX = '/api/v1/ops'

export interface OpsRoute {
  readonly method: 'GET' | 'POST'
  /** After the prefix; `{x}` is a parameter, percent-encoded as one segment. */
  readonly path: string
  readonly role: 'viewer' | 'operator'
  readonly summary: string
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  /** Null for GET. Unknown fields are refused, in the query too. */
  readonly body: z.ZodObject | null
  readonly answer: z.ZodType
}

const get = { method: 'GET', role: 'viewer', params: NOTHING, query: NOTHING, body: null } as const
const post = { method: 'POST', role: 'operator', params: NOTHING, query: NOTHING } as const

/**
 * The operators' API, one row a call: the server, its OpenAPI document and the command line's client are all made from it.
 * Errors are problem+json with a code of docs/errors.md.
 */
export const OPS_ROUTES = {
  whoami: { ...get, path: '/whoami', answer: whoamiAnswer, summary: 'Who the token is, and what it may do here.' },
  status: {
    ...get,
    path: '/status',
    query: statusQuery,
    answer: statusAnswer,
    summary: 'Phases, counts, caps, mismatches and latencies of the selected integrations.',
  },
  history: {
    ...get,
    path: '/history',
    query: historyQuery,
    answer: historyAnswer,
    summary: 'What the counts were, by integration, owner or cohort: for a burndown.',
  },
  explain: {
    ...get,
    path: '/explain/{integration}/{customer}',
    params: explainParams,
    answer: explainAnswer,
    summary: 'Why a customer is in its phase, and what would change it.',
  },
  flags: {
    ...get,
    path: '/flags',
    query: flagsQuery,
    answer: flagsAnswer,
    summary: 'What the flags ask for, as last fetched.',
  },
  lintFlags: {
    ...get,
    path: '/flags/lint',
    answer: lintFlagsAnswer,
    summary: 'What would surprise the author of the flags, as last fetched.',
  },
  setFlags: {
    ...post,
    path: '/flags',
    body: setFlagsBody,
    answer: setFlagsAnswer,
    summary: 'Ask for a phase; a dry run unless execute.',
  },
  acceptFlags: {
    ...post,
    path: '/flags/accept',
    body: acceptFlagsBody,
    answer: acceptFlagsAnswer,
    summary: 'Let an answer of the flag source through that max_moves holds; only says what is held unless execute.',
  },
  caps: { ...get, path: '/caps', query: capsQuery, answer: capsAnswer, summary: 'The caps that hold phases back.' },
  rollback: {
    ...post,
    path: '/rollback',
    body: rollbackBody,
    answer: rollbackAnswer,
    summary: 'Cap the phase at once, on every replica, until lifted.',
  },
  lift: {
    ...post,
    path: '/lift',
    body: liftBody,
    answer: liftAnswer,
    summary: 'Take caps of operators and of the guard away.',
  },
  gates: {
    ...get,
    path: '/gates',
    query: gatesQuery,
    answer: gatesAnswer,
    summary: 'What each cohort waits for before it moves forward, with the figures as they are now.',
  },
  forceGate: {
    ...post,
    path: '/gates/force',
    body: forceGateBody,
    answer: forceGateAnswer,
    summary: "An operator's word instead of what a gate waits for; a dry run unless execute.",
  },
  migrate: {
    ...post,
    path: '/migrate',
    body: migrateBody,
    answer: startAnswer,
    summary: 'Enrol, inventory, backfill and verify; a plan unless execute.',
  },
  progress: {
    ...get,
    path: '/migrate/{integration}',
    params: progressParams,
    answer: progressAnswer,
    summary: 'The latest run of an integration.',
  },
  pace: {
    ...get,
    path: '/pace',
    query: paceQuery,
    answer: paceAnswer,
    summary: 'How fast integrations are copied, compared and listed, and what holds them back.',
  },
  setPace: {
    ...post,
    path: '/pace',
    body: setPaceBody,
    answer: paceAnswer,
    summary: 'Change it, at once and in every process within a second.',
  },
  verify: {
    ...post,
    path: '/verify',
    body: verifyBody,
    answer: startAnswer,
    summary: 'Compare every secret of both sides; a plan unless execute.',
  },
  finalize: {
    ...post,
    path: '/finalize',
    body: leaveBody,
    answer: startAnswer,
    summary: 'The new side alone, for good; a plan unless execute, refused unless the proof is whole.',
  },
  abandon: {
    ...post,
    path: '/abandon',
    body: leaveBody,
    answer: startAnswer,
    summary: 'The legacy side alone, as before the migration; a plan unless execute.',
  },
  ...RUN_ROUTES,
  ...INTEGRATION_ROUTES,
  mismatches: {
    ...get,
    path: '/mismatches',
    query: mismatchesQuery,
    answer: mismatchesAnswer,
    summary: 'Stable differences between the sides: class and fingerprints, never a value.',
  },
  quarantine: {
    ...get,
    path: '/quarantine',
    query: quarantineQuery,
    answer: quarantineAnswer,
    summary: 'Secrets that cannot be copied, and why.',
  },
  accept: {
    ...post,
    path: '/quarantine/accept',
    body: acceptBody,
    answer: acceptAnswer,
    summary: "An operator's word on what is in quarantine now.",
  },
  retry: {
    ...post,
    path: '/quarantine/retry',
    body: retryBody,
    answer: retryAnswer,
    summary: 'Put entries of the quarantine back, to be settled again; a dry run unless execute.',
  },
  events: {
    ...get,
    path: '/events',
    query: eventsQuery,
    answer: eventsAnswer,
    summary: 'Who changed what, when and why; newest first.',
  },
  replicas: {
    ...get,
    path: '/replicas',
    answer: replicasAnswer,
    summary: 'The processes on this ledger: who lives, and who has yet to follow a change.',
  },
  forgetReplica: {
    ...post,
    path: '/replicas/forget',
    body: forgetReplicaBody,
    answer: forgetReplicaAnswer,
    summary: 'Count a dead process out of the barriers; a dry run unless execute.',
  },
  keys: {
    ...get,
    path: '/keys/{store}',
    params: keysParams,
    query: keysQuery,
    answer: keysAnswer,
    summary: "How many customers' keys a store has, in which state, and how many versions they seal.",
  },
  changeKeys: {
    ...post,
    path: '/keys/{store}',
    params: keysParams,
    body: changeKeysBody,
    answer: changeKeysAnswer,
    summary: "Rotate, revoke, restore or destroy a customer's key; a dry run unless execute.",
  },
  rewrapKeys: {
    ...post,
    path: '/keys/{store}/rewrap',
    params: keysParams,
    body: rewrapBody,
    answer: rewrapAnswer,
    summary: 'Carry a page of keys and sealed versions over to the newest keys; a dry run unless execute.',
  },
} as const satisfies Readonly<Record<string, OpsRoute>>

export type OpsName = keyof typeof OPS_ROUTES
type Row<N extends OpsName> = (typeof OPS_ROUTES)[N]
type In<S> = S extends z.ZodType ? z.input<S> : undefined
type Out<S> = S extends z.ZodType ? z.output<S> : undefined

/** What a client sends: defaults may be left out. */
export interface OpsCall<N extends OpsName> {
  readonly params: In<Row<N>['params']>
  readonly query: In<Row<N>['query']>
  readonly body: In<Row<N>['body']>
}
/** What a handler gets: validated, defaults filled in. */
export interface OpsInput<N extends OpsName> {
  readonly params: Out<Row<N>['params']>
  readonly query: Out<Row<N>['query']>
  readonly body: Out<Row<N>['body']>
}
export type OpsAnswer<N extends OpsName> = Out<Row<N>['answer']>
