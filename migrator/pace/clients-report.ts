export const CLIENT_KINDS = ['read', 'write', 'loop'] as const
export type ClientKind = (typeof CLIENT_KINDS)[number]

/** Of samples that were compared with a baseline, since the process began. */
export interface Tally {
  readonly judged: number
  readonly bad: number
}

/** What a process tells the others of its clients. */
export interface ClientsReport extends Readonly<Record<ClientKind, Tally>> {
  /** `unknown`: it has no baseline yet; `away`: it has none of late. */
  readonly clients: 'known' | 'unknown' | 'away'
}
