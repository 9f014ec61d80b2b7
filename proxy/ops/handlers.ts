import { ALLOWED } from '../../access/roles.ts'
import type { Caller } from '../../access/tokens.ts'
import { httpFault } from '../http/faults.ts'
import type { OpsAnswer, OpsInput, OpsName } from './api.ts'
import type { OpsPorts } from './ports.ts'

/** One handler a row of the table: none can be left out. */
export type OpsHandlers = {
  readonly [N in OpsName]: (input: OpsInput<N>, by: string, caller: Caller) => Promise<OpsAnswer<N>>
}

export const makeOpsHandlers = (ports: OpsPorts): OpsHandlers => ({
  whoami: async (_input, _by, { name, roles }) => ({
    name,
    may: [...new Set(roles.flatMap((role) => ALLOWED[role]))].flatMap((permission) =>
      permission === 'secrets' ? [] : [permission],
    ),
  }),
  status: ({ query }) => ports.status.status(query.selector),
  history: ({ query }) => ports.history.history(query),
  explain: ({ params }) => ports.status.explain(params.integration, params.customer),
  flags: ({ query }) => ports.flags.flags(query.selector),
  lintFlags: () => ports.flags.lint(),
  setFlags: ({ body }, by) => ports.flags.set(body, by),
  acceptFlags: ({ body }, by) => ports.heldFlags.accept(reasoned(body), by),
  caps: async ({ query }) => ({ caps: [...(await ports.caps.caps(query.selector))] }),
  rollback: ({ body }, by) => ports.caps.rollback(body, by),
  lift: ({ body }, by) => ports.caps.lift(body, by),
  gates: async ({ query }) => ({ gates: [...(await ports.gates.gates(query))] }),
  forceGate: ({ body }, by) => ports.gates.force(reasoned(body), by),
  migrate: ({ body }, by) => ports.migrate.migrate(reasoned(body), by),
  verify: ({ body }, by) => ports.migrate.verify(reasoned(body), by),
  finalize: ({ body }, by) => ports.migrate.finalize(reasoned(body), by),
  abandon: ({ body }, by) => ports.migrate.abandon(reasoned(body), by),
  progress: async ({ params }) => ({ run: await ports.migrate.progress(params.integration) }),
  pace: async ({ query }) => ({ paces: [...(await ports.pace.pace(query.selector))] }),
  setPace: async ({ body }, by) => ({ paces: [...(await ports.pace.set(body, by))] }),
  reverse: ({ body }, by) => ports.migrate.reverse(reasoned(body), by),
  runs: async ({ query }) => ({ runs: [...(await ports.migrate.runs(query.selector))] }),
  changeRuns: async ({ body }, by) => ({ runs: [...(await ports.migrate.change(body, by))] }),
  integrations: async () => ({ integrations: [...(await ports.integrations.list())] }),
  renameIntegration: ({ body }, by) => ports.integrations.rename(reasoned(body), by),
  workers: async () => ({ workers: [...(await ports.workers.list())] }),
  mismatches: ({ query }) => ports.mismatches.mismatches(query),
  quarantine: ({ query }) => ports.mismatches.quarantine(query),
  accept: ({ body }, by) => ports.mismatches.accept(reasoned(body), by),
  retry: ({ body }, by) => ports.mismatches.retry(reasoned(body), by),
  events: ({ query }) => ports.events.events(query),
  replicas: async () => ({ replicas: [...(await ports.replicas.list())] }),
  keys: ({ params, query }) => ports.keys.show(params.store, query.customer ?? null),
  changeKeys: ({ params, body }, by) => ports.keys.change(params.store, reasoned(body), by),
  rewrapKeys: ({ params, body }, by) => ports.keys.rewrap(params.store, reasoned(body), by),
  forgetReplica: ({ body }, by) => ports.replicas.forget(reasoned(body), by),
})

/** A plan needs no reason; what copies does. */
function reasoned<B extends { readonly execute: boolean; readonly reason?: string | undefined }>(body: B): B {
  if (body.execute && body.reason === undefined) throw httpFault('reason-required', 'execute without a reason')
  return body
}
