/**
 * Secrets of legacy that no address leads to, such as rows without a customer: no inventory sees them and nothing carries
 * them over, so they are counted, said, and accepted by a person before the end.
 */
import type { Store, UnaddressableOutcome } from '../backends/store.ts'
import type { Clock } from '../core/clock.ts'

export interface Unaddressed {
  /** By why: completes "N secrets of legacy ...". */
  readonly counts: Extract<UnaddressableOutcome, { kind: 'counted' }>['counts']
  readonly total: number
  /** Why legacy did not say; null: it did. */
  readonly unknown: string | null
}

export interface UnaddressedDeps {
  readonly stores: (integration: string) => { readonly legacy: Store }
  readonly clock: Clock
}

/** ms; it may have to look at every row. */
const PATIENCE_MS = 5_000

export async function countUnaddressed({ stores, clock }: UnaddressedDeps, integration: string): Promise<Unaddressed> {
  const { legacy } = stores(integration)
  const call = { deadline: clock.monotonic() + PATIENCE_MS, signal: AbortSignal.timeout(PATIENCE_MS) }
  const outcome = (await legacy.unaddressable?.(integration, call)) ?? NONE
  if (outcome.kind === 'error') return { counts: [], total: 0, unknown: outcome.reason }
  return { counts: outcome.counts, total: outcome.counts.reduce((sum, { count }) => sum + count, 0), unknown: null }
}

const NONE: UnaddressableOutcome = { kind: 'counted', counts: [] }

/** `2 secrets of legacy have no customer and are not carried over`; null: there are none. */
export function unaddressedWords({ counts, unknown }: Unaddressed): string | null {
  if (unknown !== null) return `legacy did not say how many of its secrets no address leads to: ${unknown}`
  if (counts.length === 0) return null
  return `${counts.map(({ why, count }) => `${count} secrets of legacy ${why}`).join(', ')} and are not carried over`
}

const LIFE_MS = 60_000

/** For status: what was counted a minute ago at most, or is being counted; nobody waits for it. */
export function makeUnaddressedWatch(deps: UnaddressedDeps): (integration: string) => Unaddressed | null {
  const known = new Map<string, { readonly at: number; readonly is: Unaddressed | null }>()
  return (integration) => {
    const last = known.get(integration)
    if (last === undefined || deps.clock.monotonic() - last.at > LIFE_MS) {
      known.set(integration, { at: deps.clock.monotonic(), is: last?.is ?? null })
      const keep = (is: Unaddressed): void => void known.set(integration, { at: deps.clock.monotonic(), is })
      void countUnaddressed(deps, integration).then(keep, () => undefined)
    }
    return known.get(integration)?.is ?? null
  }
}
