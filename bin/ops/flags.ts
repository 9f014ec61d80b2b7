import { makeFlagFile } from '../../flags/flag-file.ts'
import type { Phase } from '../../flags/phase.ts'
import { phaseRank } from '../../flags/phase.ts'
import type { FlagChange } from '../../proxy/ops/control.ts'
import type { FlagsPort } from '../../proxy/ops/ports.ts'
import type { Engine } from '../serve/engine.ts'
import { serveFault } from '../serve/faults.ts'
import { select } from './select.ts'

/** Reads what flags ask for, and changes them where they come from a file. */
export function makeFlagsPort(engine: Engine): FlagsPort {
  const { flags, config, clock, journal } = engine
  const file = config.flags.source === 'file' ? makeFlagFile(config.flags.path) : null

  /** The highest phase of the customers that a change is about. */
  const from = (integration: string, cohort: string | undefined): Phase =>
    flags
      .outlook(integration)
      .filter((outlook) => cohort === undefined || outlook.cohort === cohort)
      .map(({ requested }) => requested)
      .reduce((a, b) => (phaseRank(a) >= phaseRank(b) ? a : b), 'off' as Phase)

  const change = (integration: string, cohort: string | undefined, to: Phase): FlagChange => {
    const pin = flags.pin(integration)
    const cap = flags.outlook(integration).find((o) => cohort === undefined || o.cohort === cohort)?.cap ?? null
    const held = [
      ...(pin !== null && pin.phase !== to
        ? [`${pin.reason}: crossfade migrate ${integration} --execute --reason "..."`]
        : []),
      ...(cap !== null && phaseRank(cap.phase) < phaseRank(to)
        ? [`${cap.kind} by ${cap.by}: crossfade lift ${integration}`]
        : []),
    ]
    const allowed = cap !== null && phaseRank(cap.phase) < phaseRank(to) ? cap.phase : to
    return {
      integration,
      cohort: cohort ?? null,
      from: from(integration, cohort),
      to,
      effective: pin?.phase ?? allowed,
      waits_for: held,
    }
  }

  return {
    flags: async (selector) => {
      const { lastSuccess, stale } = flags.source.state()
      return {
        source: flags.source.origin,
        revision: null,
        fetched_at: lastSuccess === null ? null : new Date(lastSuccess).toISOString(),
        stale,
        flags: select(config, selector).map((integration) => ({
          integration,
          enabled: flags.phases.history(integration)[0]?.definition.feature.enabled ?? null,
          steps: flags
            .outlook(integration)
            .flatMap(({ cohort, asks }) => asks.map(({ phase, percent }) => ({ cohort, percent, phase }))),
        })),
      }
    },
    set: async ({ selector, cohort, percent, phase, reason, execute }, by) => {
      if (cohort !== undefined && !flags.cohorts.names.includes(cohort))
        throw serveFault('not-configured', `cohort ${cohort}`)
      const names = select(config, selector)
      const changes = names.map((integration) => change(integration, cohort, phase))
      if (!execute) return { executed: false, changes }
      if (file === null) throw serveFault('flags-not-writable', flags.source.origin)
      const moved = settledAfter(engine)
      await file.set(
        names.map((integration) => ({
          integration,
          phase,
          ...(cohort === undefined ? {} : { cohort }),
          ...(percent === undefined ? {} : { percent }),
        })),
      )
      await moved
      const detail = { cohort: cohort ?? null, percent: percent ?? null, to: phase, reason, at: clock.wall() }
      await Promise.all(
        changes.map(({ integration, from: was }) =>
          journal
            .append({ kind: 'flag-set', integration, actor: by, detail: { ...detail, from: was } })
            .catch(() => undefined),
        ),
      )
      return {
        executed: true,
        changes: names.map((integration, i) => ({
          ...change(integration, cohort, phase),
          from: changes[i]?.from ?? null,
        })),
      }
    },
  }
}

/** How long an answer waits for the change to take effect here; the file is looked at twice a second. */
const PATIENCE_MS = 3000

/** Resolves when the next snapshot was judged, or when patience ends: the answer then says what runs by then. */
function settledAfter({ flags, clock }: Engine): Promise<void> {
  const waiting = new AbortController()
  const settled = new Promise<void>((resolve) => flags.phases.events.once('settled', resolve))
  return Promise.race([settled, clock.sleep(PATIENCE_MS, waiting.signal).catch(() => undefined)]).finally(() =>
    waiting.abort(),
  )
}
