import { isDeepStrictEqual } from 'node:util'
import type { Audit } from '../../access/audit.ts'
import type { Tokens } from '../../access/tokens.ts'
import { loadTokens } from '../../access/tokens-file.ts'
import { isFault } from '../../core/fault.ts'
import { ownRecord } from '../../core/own.ts'
import { loadCohortRules } from '../../flags/cohort-files.ts'
import type { CohortRule } from '../../flags/cohorts.ts'
import type { JournalEvent } from '../../ledger/postgres/journal.ts'
import type { IntegrationConfig } from '../config/integrations.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import type { CohortKeep } from './cohort-keep.ts'
import type { FlagParts } from './flags.ts'
import type { Identity } from './identity.ts'

/*
 * The file is read again while clients are served. All parts look at one configuration at each use, so the sections that
 * may change are replaced in it, in one turn: no request sees half of them. What is wired at the start (stores, ports,
 * which integrations there are) stays as it is and is named, so that nobody believes it changed. A file with a mistake
 * changes nothing at all.
 */

export type Reload =
  | {
      readonly kind: 'reloaded'
      /** What differs from before and holds now: sections, and `integrations.NAME.KEY`. */
      readonly changed: readonly string[]
      /** What differs and holds after a restart only. */
      readonly restart: readonly string[]
    }
  | { readonly kind: 'refused'; readonly why: string }

export interface ReloadParts {
  /** The one that everything reads; changed in place. */
  readonly config: CrossfadeConfig
  /** Reads and judges the file. Throws what is wrong with it. */
  readonly read: () => CrossfadeConfig
  readonly flags: Pick<FlagParts, 'cohorts' | 'phases' | 'integrations'>
  readonly audit: Pick<Audit, 'reopen'>
  readonly tokens: Tokens
  /** Bytes: what bodies are bounded by since the start, for all integrations. */
  readonly largest: number
  /** Throws what the next configuration would break of what the ledger holds. */
  readonly identity: Pick<Identity, 'judgeNext'>
  readonly cohortKeep: Pick<CohortKeep, 'judgeNext' | 'keep'>
}

const LIVE_SECTIONS = ['cohorts', 'gates', 'guard', 'identity'] as const
const LIVE_KEYS = ['owner', 'max_size', 'gates', 'guard'] as const satisfies readonly (keyof IntegrationConfig)[]

/** Also reopens the audit's files, whatever the configuration says: they may have been rotated. Never rejects. */
export async function reload(parts: ReloadParts): Promise<Reload> {
  const { config, flags, audit, tokens, largest } = parts
  try {
    await audit.reopen()
    const next = parts.read()
    const rules = await loadCohortRules(next.cohorts)
    const entries = await loadTokens(next.identity.tokens_file)
    await parts.identity.judgeNext(next)
    parts.cohortKeep.judgeNext(rules)
    const members = !isDeepStrictEqual(rules, flags.cohorts.rules())
    const integrations = mergeIntegrations(config.integrations, next.integrations, largest)
    const holders = tokens.replace(entries)
    const changed = [
      ...(members ? ['cohorts'] : []),
      ...(holders ? ['tokens'] : []),
      ...differing(config, next, isLive),
      ...integrations.changed,
    ]
    const restart = [...differing(config, next, isWired), ...integrations.restart]
    apply(parts, next, rules, integrations.merged)
    // With the ledger away the next start is judged by the rules before: more strictly, if at all.
    await parts.cohortKeep.keep().catch(() => undefined)
    return { kind: 'reloaded', changed, restart }
  } catch (error) {
    return { kind: 'refused', why: wordsOf(error) }
  }
}

function apply(
  { config, flags }: ReloadParts,
  next: CrossfadeConfig,
  rules: readonly CohortRule[],
  integrations: CrossfadeConfig['integrations'],
): void {
  flags.cohorts.replace(rules)
  Object.assign(config, Object.fromEntries(LIVE_SECTIONS.map((name) => [name, next[name]])), { integrations })
  // Decisions that were worked out with the cohorts of before are forgotten.
  flags.phases.configure({ integrations: flags.integrations, cohorts: flags.cohorts })
}

/** A list of customers may have changed while its section did not: cohorts are compared by their members. */
const isLive = (section: string): boolean => section !== 'cohorts' && LIVE_SECTIONS.some((name) => name === section)
const isWired = (section: string): boolean => section !== 'integrations' && !LIVE_SECTIONS.some((n) => n === section)

function differing(before: object, after: object, isMeant: (key: string) => boolean): string[] {
  const [old, next] = [before, after] as [Record<string, unknown>, Record<string, unknown>]
  const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])]
  return keys.filter((key) => isMeant(key) && !isDeepStrictEqual(old[key], next[key]))
}

type Integrations = CrossfadeConfig['integrations']

function mergeIntegrations(before: Integrations, after: Integrations, largest: number) {
  const changed: string[] = []
  const restart: string[] = differing(before, after, (name) => !(name in before && name in after)).map(nameOf)
  const merged: [string, IntegrationConfig][] = []
  for (const [name, old] of Object.entries(before)) {
    const next = after[name] ?? old
    const isTaken = (key: string): boolean =>
      LIVE_KEYS.some((live) => live === key) && (key !== 'max_size' || next.max_size <= largest)
    changed.push(...differing(old, next, isTaken).map((key) => `${nameOf(name)}.${key}`))
    restart.push(...differing(old, next, (key) => !isTaken(key)).map((key) => `${nameOf(name)}.${key}`))
    const taken = Object.fromEntries(Object.entries(next).filter(([key]) => isTaken(key)))
    const kept = Object.fromEntries(Object.entries(old).filter(([key]) => !isTaken(key)))
    merged.push([name, { ...kept, ...taken } as unknown as IntegrationConfig])
  }
  return { changed, restart, merged: ownRecord(merged) as Integrations }
}

const nameOf = (integration: string): string => `integrations.${integration}`

const wordsOf = (error: unknown): string =>
  isFault(error) ? `${error.code}: ${error.detail}` : error instanceof Error ? error.message : 'unknown'

/** For people, on one line unless the file has mistakes. */
export function describeReload(reload: Reload): string {
  if (reload.kind === 'refused') return `the configuration was not reloaded, the one before stands: ${reload.why}`
  const { changed, restart } = reload
  const now = changed.length === 0 ? 'nothing changed' : `changed: ${changed.join(', ')}`
  return `configuration reloaded; ${now}${restart.length === 0 ? '' : `; restart needed for: ${restart.join(', ')}`}`
}

/** For the trail of events; a signal has no name, so the replica's stands for who did it. What is wrong with a file is told where it lies. */
export const reloadEvent = (result: Reload, replica: string): JournalEvent => ({
  kind: result.kind === 'refused' ? 'config-refused' : 'config-reloaded',
  integration: null,
  actor: `replica ${replica}`,
  detail: { reason: result.kind === 'refused' ? result.why.split(':', 1)[0] : describeReload(result) },
})
