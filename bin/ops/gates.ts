import type { GateHold } from '../../flags/gate-marks.ts'
import { type GateFigures, nextGate } from '../../flags/gates.ts'
import { sharesInWords, sharesOf } from '../../flags/outlook.ts'
import type { Phase } from '../../flags/phase.ts'
import type { ShownGate } from '../../proxy/ops/gates.ts'
import type { GatesPort } from '../../proxy/ops/ports.ts'
import type { Engine } from '../serve/engine.ts'
import { assertCohort, select } from './select.ts'

/** What a hold waits for, as it is shown. */
export const waitsOf = (hold: Pick<GateHold, 'gate' | 'waits'> | null): ShownGate['waits'] =>
  hold === null ? [] : hold.waits.map((wait) => ({ gate: hold.gate, ...wait }))

const figuresOf = ({ fullVerify, bypassSeenAt, ...figures }: GateFigures): NonNullable<ShownGate['figures']> => ({
  ...figures,
  full_verify: fullVerify,
  bypass_seen_at: bypassSeenAt === null ? null : instant(bypassSeenAt),
})

const instant = (ms: number): string => new Date(ms).toISOString()

/** Shows gates with the figures as they are now, and writes down an operator's word instead of them. */
export function makeGatesPort(engine: Engine): GatesPort {
  const { gates, flags, config, clock } = engine

  const show = async (integration: string, phase: Phase | null): Promise<readonly ShownGate[]> => {
    const foreseen = await gates.foresee(integration, phase)
    return flags.outlook(integration).map((outlook): ShownGate => {
      const { cohort, requested, runs } = outlook
      const known = flags.gateBook.mark(integration, cohort)
      const seen = foreseen?.get(cohort)
      return {
        integration,
        cohort,
        requested,
        passed: known.mark,
        effective: runs,
        runs: sharesInWords(sharesOf(outlook)),
        next: nextGate(flags.gatesOf(integration), known.mark),
        waits: waitsOf(seen === undefined ? known.hold : seen.mark.hold),
        held_since: known.hold === null ? null : instant(known.hold.since),
        entered: Object.fromEntries(Object.entries(known.entered).map(([step, at]) => [step, instant(at)])),
        forced: known.forced === null ? null : { ...known.forced, at: instant(known.forced.at) },
        figures: seen === undefined ? null : figuresOf(seen.figures),
      }
    })
  }

  return {
    gates: async ({ selector, phase }) => {
      const shown: ShownGate[] = []
      for (const name of select(config, selector)) shown.push(...(await show(name, phase ?? null)))
      return shown
    },
    force: async ({ selector, cohort, phase, execute, reason = '' }, by) => {
      assertCohort(flags.cohorts, cohort)
      const names = select(config, selector)
      const cohorts = cohort === undefined ? flags.cohorts.names : [cohort]
      const shown: ShownGate[] = []
      for (const name of names) {
        shown.push(...(await show(name, phase)).filter((gate) => cohorts.includes(gate.cohort)))
        if (execute) await gates.force(name, cohorts, { phase, by, reason, at: clock.wall() })
      }
      return { executed: execute, gates: shown }
    },
  }
}
