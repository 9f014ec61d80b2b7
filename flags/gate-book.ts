import type { Cap, CapBook } from './caps.ts'
import type { GateHold, GateMark, GateRecord } from './gate-marks.ts'
import { markOf } from './gate-marks.ts'
import { freeUpTo } from './gates.ts'
import type { GatesConfig } from './gates-config.ts'
import { phaseRank } from './phase.ts'

/*
 * The caps of the gates are computed, not stored: each cohort may run up to the last phase before the first gate that it has
 * not passed, always, also while its flag asks for less. So a flag that jumps is held from the first request on, whoever
 * looks at the gate and whenever. `cappedByGates` lays them over the stored caps: whatever asks for caps sees one book.
 */

/** The gates' records in memory, and the caps that follow from them. */
export interface GateBook {
  /** Grows with every change. */
  version(): number
  record(integration: string): GateRecord | undefined
  mark(integration: string, cohort: string): GateMark
  put(integration: string, record: GateRecord): void
  replace(records: ReadonlyMap<string, GateRecord>): void
  /** Gates that hold something back now. */
  holds(): readonly { readonly integration: string; readonly cohort: string; readonly hold: GateHold }[]
  /** The cap at the first gate that is not passed; null: none stands ahead. */
  cap(integration: string, cohort: string): Cap | null
}

export const makeGateBook = (gatesOf: (integration: string) => GatesConfig): GateBook => {
  const records = new Map<string, GateRecord>()
  let changes = 0
  const mark = (integration: string, cohort: string) => markOf(records.get(integration), cohort)
  return {
    version: () => changes,
    record: (integration) => records.get(integration),
    mark,
    put: (integration, record) => {
      records.set(integration, record)
      changes += 1
    },
    replace: (next) => {
      records.clear()
      for (const [integration, record] of next) records.set(integration, record)
      changes += 1
    },
    holds: () =>
      [...records].flatMap(([integration, { cohorts }]) =>
        Object.entries(cohorts).flatMap(([cohort, { hold }]) => (hold === null ? [] : [{ integration, cohort, hold }])),
      ),
    cap: (integration, cohort) => {
      const known = mark(integration, cohort)
      const phase = freeUpTo(gatesOf(integration), known.mark)
      if (phase === 'complete') return null
      const reason = known.hold === null ? 'the gate ahead was not asked yet' : reasonOf(known.hold)
      return { integration, cohort, kind: 'gate', phase, reason, by: 'gate', at: known.hold?.since ?? 0 }
    },
  }
}

/** Why a gate holds, for people: what is lacking, each with its figures and the command that helps. */
export const reasonOf = ({ gate, waits }: Pick<GateHold, 'gate' | 'waits'>): string =>
  `${gate} waits for ${waits.map(({ text, next }) => `${text}: ${next}`).join('; ')}`

/** The stored caps with those of the gates among them; changes go to the stored ones. */
export const cappedByGates = (stored: CapBook, gates: GateBook): CapBook => {
  const matching = (integration: string, cohort: string): readonly Cap[] => {
    const cap = gates.cap(integration, cohort)
    const others = stored.matching(integration, cohort)
    return cap === null ? others : [...others, cap].sort((a, b) => phaseRank(a.phase) - phaseRank(b.phase))
  }
  return {
    ...stored,
    version: () => stored.version() + gates.version(),
    list: () => [
      ...stored.list(),
      ...gates.holds().flatMap(({ integration, cohort }) => gates.cap(integration, cohort) ?? []),
    ],
    matching,
    lowest: (integration, cohort) => matching(integration, cohort)[0] ?? null,
  }
}
