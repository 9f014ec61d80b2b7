import { WORKERS } from './machine.ts'
import { HELD_COHORT, PLANTED } from './plant.ts'
import type { Sample } from './prometheus.ts'

/** Series that are not 0, by the values of their labels. */
export type Counts = Readonly<Record<string, number>>

/** Queries, `board: title: legend`, that may show nothing but their 0, and why it does not happen while one looks. */
export const NEVER_HAPPENS: Readonly<Record<string, string>> = {
  'runtime: Calls in flight, and reads sent twice: {{store}} {{op}} again, a second': 'no connection of a store is cut',
  'runtime: Vault and OpenBao: requests: {{store}} redirect {{outcome}}': 'one server redirects nobody',
}

/** Panels that must show exactly what was planted: `board: title`, of which integration if the board asks, and what. */
export const PANELS_SHOW: readonly {
  readonly panel: string
  readonly integration?: string
  readonly counts: Counts
}[] = [
  { panel: 'overview: Open mismatches', counts: { [PLANTED.mismatch]: 1 } },
  { panel: 'overview: Caps', counts: { gate: 1, guard: 1, rollback: 1 } },
  { panel: 'overview: Cohorts that a gate holds', counts: { live: 1 } },
  { panel: 'overview: Trips of the guard', counts: { errors: 1 } },
  { panel: 'overview: Integrations whose flag is not followed', counts: {} },
  { panel: 'integration: Held back by a gate', integration: PLANTED.hold, counts: { [`${HELD_COHORT} live`]: 1 } },
  { panel: 'integration: Trips of the guard', integration: PLANTED.trip, counts: { errors: 1 } },
  {
    panel: 'integration: What the flag asks for',
    integration: PLANTED.rollback,
    counts: { dogfood: 3, general: 3, pilot: 3 },
  },
  { panel: 'integration: What runs', integration: PLANTED.rollback, counts: {} },
  { panel: 'integration: What runs', integration: PLANTED.hold, counts: { [HELD_COHORT]: 2 } },
  { panel: 'integration: Debts that do not settle', integration: PLANTED.stall, counts: { [PLANTED.stall]: 1 } },
  { panel: 'migrator: Debts that do not settle', counts: { [PLANTED.stall]: 1 } },
  { panel: 'runtime: Workers', counts: { '': WORKERS } },
  { panel: 'runtime: Replicas', counts: { '': 1 + WORKERS } },
]

/** Alerts that fire, and on what; every other one is silent. */
export const ALERTS_FIND: Readonly<Record<string, Counts>> = {
  CrossfadeMismatchOpen: { [PLANTED.mismatch]: 1 },
  CrossfadeGuardTripped: { guard: 1 },
  CrossfadeRollbackActive: { rollback: 1 },
  CrossfadeGateHeld: { [`${HELD_COHORT} ${PLANTED.hold} live`]: 1 },
  CrossfadeDebtsStuck: { [PLANTED.stall]: 1 },
}

const ADDED: ReadonlySet<string> = new Set(['__name__', 'job', 'instance'])

/** What a query answered, without what is 0. */
export const countsOf = (samples: readonly Sample[]): Counts =>
  Object.fromEntries(
    samples
      .filter(({ value }) => value !== 0)
      .map(({ labels, value }) => [keyOf(labels), value])
      .sort(),
  )

const keyOf = (labels: Sample['labels']): string =>
  Object.entries(labels)
    .filter(([name]) => !ADDED.has(name))
    .sort()
    .map(([, value]) => value)
    .join(' ')
