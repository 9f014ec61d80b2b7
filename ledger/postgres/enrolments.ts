import type { Enrolment } from '../enrolment.ts'
import type { IntegrationState } from '../ledger.ts'
import type { Database } from './database.ts'
import type { LeaveNote } from './stages.ts'

/** What a replica says that it runs; the meaning is of whoever says it. */
export interface SaidRuns<R> {
  readonly id: string
  readonly name: string
  readonly runs: R
}

export type KeyPurpose = 'fingerprint' | 'etag'

export type Renamed =
  /** How many caps went over, and the state that goes by the new name now. */
  | { readonly caps: number; readonly state: IntegrationState }
  /** `held`: secrets are bound to the old name. `taken`: the ledger knows the new one. Nothing was changed. */
  | { readonly refused: 'held' | 'taken'; readonly state: IntegrationState }

/** What the ledger remembers of configurations and keys, and what live replicas say of theirs. */
export interface Enrolments<R> {
  /** Of every integration that was enrolled with something. */
  all(): Promise<ReadonlyMap<string, Enrolment>>
  /** Keeps the digest of a key at its first use; `replaces`: in place of another one. Answers the one that is kept. */
  claimKey(purpose: KeyPurpose, digest: string, replaces: boolean): Promise<string>
  /** The digest that is kept; null: none was used yet. */
  key(purpose: KeyPurpose): Promise<string | null>
  /** False: this replica is not registered, and nobody was told. */
  say(id: string, runs: R): Promise<boolean>
  /** Of the replicas whose lease holds and who said anything. */
  said(): Promise<readonly SaidRuns<R>[]>
  /** An operator's word that the data lies there now. */
  move(integration: string, enrolment: Enrolment): Promise<void>
  /** What is kept beside the secrets goes over to another name; `keeps`: the old one keeps its own, too. */
  rename(was: string, next: string, options: { readonly keeps: boolean; readonly note: LeaveNote }): Promise<Renamed>
}

const SAY = `
  insert into crossfade.replica_runs (id, runs) select id, $2::jsonb from crossfade.replica where id = $1
  on conflict (id) do update set runs = excluded.runs returning id`

const SAID = `
  select r.id, r.name, s.runs from crossfade.replica r join crossfade.replica_runs s on s.id = r.id
  where r.until > clock_timestamp() order by r.name`

export const makeEnrolments = <R>(database: Database): Enrolments<R> => ({
  all: async () => {
    const rows = await database.query<{ name: string; enrolled_with: Enrolment }>(
      'crossfade-enrolments',
      'select name, enrolled_with from crossfade.integration where enrolled_with is not null',
      [],
    )
    return new Map(rows.map(({ name, enrolled_with }) => [name, enrolled_with]))
  },
  claimKey: async (purpose, digest, replaces) => {
    const [row] = await database.query<{ kept: string }>(
      'crossfade-claim-key',
      'select crossfade.claim_key($1, $2, $3) as kept',
      [purpose, digest, replaces],
    )
    return row?.kept ?? digest
  },
  key: async (purpose) => {
    const [row] = await database.query<{ digest: string }>(
      'crossfade-key',
      'select digest from crossfade.key_check where purpose = $1',
      [purpose],
    )
    return row?.digest ?? null
  },
  say: async (id, runs) => (await database.query('crossfade-say', SAY, [id, JSON.stringify(runs)])).length > 0,
  said: () => database.query<SaidRuns<R>>('crossfade-said', SAID, []),
  move: async (integration, enrolment) => {
    await database.query(
      'crossfade-moved',
      'update crossfade.integration set enrolled_with = $2::jsonb, epoch = epoch + 1 where name = $1 and enrolled_with is not null',
      [integration, JSON.stringify(enrolment)],
    )
  },
  rename: async (was, next, { keeps, note }) => {
    const [row] = await database.query<{ answer: Renamed }>(
      'crossfade-rename',
      'select crossfade.rename_integration($1, $2, $3, $4::jsonb) as answer',
      [was, next, keeps, JSON.stringify(note)],
    )
    return (row as { answer: Renamed }).answer
  },
})
