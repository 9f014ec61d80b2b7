import type { Outlook } from '../flags/outlook.ts'
import type { Phase } from '../flags/phase.ts'

/** Null when every customer of every cohort is asked for, and runs, `phase`; else which cohorts are not. */
export function asksFor(outlook: readonly Outlook[], phase: Phase): string | null {
  const others = outlook.filter((one) => !isAll(one, phase)).map(({ cohort }) => cohort)
  return others.length === 0 ? null : `not everybody is asked for and runs ${phase}: ${others.join(', ')}`
}

/** Customers whom no step names run `off`. */
const isAll = ({ asks, runs }: Outlook, phase: Phase): boolean =>
  runs === phase &&
  asks.every((ask) => ask.phase === phase) &&
  (phase === 'off' || asks.some(({ percent, some }) => percent >= 100 && !some))
