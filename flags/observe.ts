import { CAP_KINDS, type CapBook } from './caps.ts'
import type { Doubt } from './decision.ts'
import type { GateBook } from './gate-book.ts'
import type { FlagsMetrics } from './metrics.ts'
import type { Phases } from './phases.ts'
import type { FlagSource, SourceProblem } from './source.ts'

/** Each kind is reported also while it counts nothing, so that a graph and an alert have a series from the start. */
const DOUBT_KINDS = [
  'missing',
  'unusable',
  'max-moves',
  'not-durable',
  'source',
] as const satisfies readonly Doubt['kind'][]

/** Keeps the metrics of the source, the doubts and the caps; ends with the function that it returns. */
export const observeFlags = (parts: {
  readonly source: FlagSource
  readonly phases: Phases
  readonly caps: CapBook
  readonly gates: Pick<GateBook, 'holds'>
  readonly metrics: FlagsMetrics
}): (() => void) => {
  const { source, phases, caps, gates, metrics } = parts
  const onProblem = (problem: SourceProblem): void => metrics.problems.inc({ problem })
  const read = (): void => {
    const { lastSuccess, stale } = source.state()
    metrics.lastSuccess.set((lastSuccess ?? 0) / 1000)
    metrics.stale.set(stale ? 1 : 0)
    // A flag that was never seen holds nothing back: its integration is where it began, off.
    const doubts = [...phases.doubts()]
      .filter(([integration, { kind }]) => kind !== 'missing' || phases.history(integration).length > 0)
      .map(([, doubt]) => doubt)
    for (const reason of DOUBT_KINDS) metrics.held.set({ reason }, doubts.filter(({ kind }) => kind === reason).length)
    for (const kind of CAP_KINDS) metrics.caps.set({ kind }, caps.list().filter((cap) => cap.kind === kind).length)
    metrics.gates.reset()
    for (const { integration, cohort, hold } of gates.holds())
      metrics.gates.set({ integration, cohort, phase: hold.gate }, 1)
  }
  source.events.on('problem', onProblem)
  const forget = metrics.beforeScrape(read)
  return () => {
    source.events.off('problem', onProblem)
    forget()
  }
}
