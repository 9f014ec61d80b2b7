import type { IntegrationStatus } from '../../../proxy/ops/status.ts'

/** What is known of an integration before it is moved. */
export interface Move {
  readonly integration: string
  readonly owner: string | null
  /** Null: the store did not answer. `more`: counting stopped there. */
  readonly secrets: { readonly n: number; readonly more: boolean } | null
  /** Requests of clients that the replica which was asked has seen since it started. */
  readonly requests: number
  /** Cohorts in the order of the configuration. */
  readonly cohorts: readonly string[]
  /** Copied and verified, and nothing differs: there is nothing to move. */
  readonly done: boolean
}

export const isDone = ({ state, counts, inventoried }: IntegrationStatus): boolean => {
  if (['new-only', 'finalized'].includes(state)) return true
  if (state !== 'enrolled' || !inventoried || counts === null) return false
  return counts.left === 0 && counts.mismatched === 0 && counts.verified === counts.copied
}

export const requestsOf = ({ outcomes }: IntegrationStatus): number =>
  outcomes.reduce((sum, { count }) => sum + count, 0)

/**
 * What goes wrong shall go wrong where little depends on it: few secrets and little traffic first. Both in orders of magnitude, so
 * that neither decides alone; what nobody could count comes last.
 */
export const inOrder = (moves: readonly Move[]): readonly Move[] =>
  [...moves].sort((a, b) => weightOf(a) - weightOf(b) || (a.integration < b.integration ? -1 : 1))

const weightOf = ({ secrets, requests }: Move): number =>
  secrets === null ? Number.POSITIVE_INFINITY : Math.log10(1 + secrets.n) + Math.log10(1 + requests)

/** Why an integration stands where it does. */
export const whyHere = ({ owner, secrets, requests, done }: Move): string => {
  const many =
    secrets === null ? 'secrets unknown: a store did not answer' : `${secrets.more ? 'over ' : ''}${secrets.n} secrets`
  const of = owner === null ? '' : `${owner}, `
  return `${of}${many}, ${requests} requests seen${done ? '; done already, and skipped' : ''}`
}
