import type { OpsAnswer, OpsInput } from './api.ts'
import type {
  AcceptFlags,
  AcceptFlagsResult,
  FlagFindings,
  Flags,
  Lift,
  LiftResult,
  Rollback,
  RollbackResult,
  SetFlags,
  SetFlagsResult,
} from './control.ts'
import type { ForcedGates, ForceGate, ShownGate } from './gates.ts'
import type { History, HistoryQuery } from './history.ts'
import type { RenamedIntegration, RenameIntegration, ShownIntegration } from './integrations.ts'
import type { ChangeKeys, ChangeKeysResult, KeysShown, Rewrap, RewrapResult } from './keys.ts'
import type { Debt } from './live-messages.ts'
import type { SetPace, ShownPace } from './pace.ts'
import type { ForgetReplica, ForgetReplicaResult, ShownReplica } from './replicas.ts'
import type { ChangeRuns, Reverse, ShownWorker } from './runs.ts'
import type { Cap, Explanation, Status } from './status.ts'
import type { Accept, Accepted, Leave, Migrate, Retried, Retry, Run, Started, Verify } from './work.ts'

/*
 * What the operators' API needs of the rest, one small port a concern; composed in bin. Each rejects with a `Fault` for
 * what it refuses. `by` is the name of the caller, for events and caps; the audit record is written before the call.
 */

export interface StatusPort {
  status(selector: string): Promise<Status>
  explain(integration: string, customer: string): Promise<Explanation>
  /** Of every integration that owes anything. Rejects while the ledger is away. */
  debts(): Promise<readonly Debt[]>
}

export interface HistoryPort {
  /** What the counts were, and at the end of an open span what they are. */
  history(query: HistoryQuery): Promise<History>
}

export interface FlagsPort {
  flags(selector: string): Promise<Flags>
  /** Without `execute` it only says what would change. */
  set(request: SetFlags, by: string): Promise<SetFlagsResult>
  /** Of what the source said last. */
  lint(): Promise<FlagFindings>
}

export interface HeldFlagsPort {
  /** Without `execute` it only says what is held on the replica that is asked. */
  accept(request: AcceptFlags, by: string): Promise<AcceptFlagsResult>
}

export interface CapsPort {
  caps(selector: string): Promise<readonly Cap[]>
  /** At once, from memory if need be; never waits on the flag server. */
  rollback(request: Rollback, by: string): Promise<RollbackResult>
  lift(request: Lift, by: string): Promise<LiftResult>
}

export interface GatesPort {
  gates(query: OpsInput<'gates'>['query']): Promise<readonly ShownGate[]>
  /** Only looks without `execute`. Throws `gate-busy`. */
  force(request: ForceGate, by: string): Promise<ForcedGates>
}

export interface MigratePort {
  /** Answers a plan without `execute`, else starts a run, or names the one that is under way. */
  migrate(request: Migrate, by: string): Promise<Started>
  verify(request: Verify, by: string): Promise<Started>
  /** Throws `proof-missing` when it may not be executed. */
  finalize(request: Leave, by: string): Promise<Started>
  abandon(request: Leave, by: string): Promise<Started>
  /** The latest run, also a finished one; null if there never was one. */
  progress(integration: string): Promise<Run | null>
  reverse(request: Reverse, by: string): Promise<Started>
  /** The latest of each integration, on whichever machine. */
  runs(selector: string): Promise<readonly Run[]>
  /** Those that had not ended, once they stand still; what was changed already stays. */
  change(request: ChangeRuns, by: string): Promise<readonly Run[]>
}

export interface PacePort {
  pace(selector: string): Promise<readonly ShownPace[]>
  /** Acts at once; every process takes it up within a second. */
  set(request: SetPace, by: string): Promise<readonly ShownPace[]>
}

export interface MismatchesPort {
  mismatches(query: OpsInput<'mismatches'>['query']): Promise<OpsAnswer<'mismatches'>>
  quarantine(query: OpsInput<'quarantine'>['query']): Promise<OpsAnswer<'quarantine'>>
  accept(request: Accept, by: string): Promise<Accepted>
  /** Only counts without `execute`; destroys nothing, and says nothing of what the sides hold. */
  retry(request: Retry, by: string): Promise<Retried>
}

export interface EventsPort {
  /** Newest first. */
  events(query: OpsInput<'events'>['query']): Promise<OpsAnswer<'events'>>
}

export interface ReplicasPort {
  list(): Promise<readonly ShownReplica[]>
  /** Refused while it gives signs of life; only looks without `execute`. */
  forget(request: ForgetReplica, by: string): Promise<ForgetReplicaResult>
}

export interface IntegrationsPort {
  list(): Promise<readonly ShownIntegration[]>
  /** Throws `rename-refused`; only looks without `execute`. */
  rename(request: RenameIntegration, by: string): Promise<RenamedIntegration>
}

export interface WorkersPort {
  list(): Promise<readonly ShownWorker[]>
}

export interface KeysPort {
  show(store: string, customer: string | null): Promise<KeysShown>
  change(store: string, request: ChangeKeys, by: string): Promise<ChangeKeysResult>
  /** One page; the caller goes on with `next`. */
  rewrap(store: string, request: Rewrap, by: string): Promise<RewrapResult>
}

export interface OpsPorts {
  readonly status: StatusPort
  readonly history: HistoryPort
  readonly flags: FlagsPort
  readonly heldFlags: HeldFlagsPort
  readonly caps: CapsPort
  readonly gates: GatesPort
  readonly migrate: MigratePort
  readonly pace: PacePort
  readonly mismatches: MismatchesPort
  readonly events: EventsPort
  readonly replicas: ReplicasPort
  readonly integrations: IntegrationsPort
  readonly workers: WorkersPort
  readonly keys: KeysPort
}
