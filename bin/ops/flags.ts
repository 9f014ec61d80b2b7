import type { Cap } from '../../flags/caps.ts'
import type { Feature } from '../../flags/definition.ts'
import { setPhase } from '../../flags/ladder.ts'
import { ruleOf } from '../../flags/lint-document.ts'
import { lowerPhase, type Phase, phaseRank } from '../../flags/phase.ts'
import type { FlagChange } from '../../proxy/ops/control.ts'
import type { FlagsPort } from '../../proxy/ops/ports.ts'
import type { Engine } from '../serve/engine.ts'
import { cappedBy } from './caps.ts'
import { gateAhead } from './gate-ahead.ts'
import { withHold } from './hold-ahead.ts'
import { lintSnapshot } from './lint-snapshot.ts'
import { beyondPin } from './pinned.ts'
import { assertCohort, select } from './select.ts'
import { assertSomeSet, problemIn } from './set-outcomes.ts'
import { makeFlagWriting } from './write-flags.ts'

/** Reads what flags ask for, and changes them where they come from. */
export function makeFlagsPort(engine: Engine): FlagsPort {
  const { flags, config, clock, journal } = engine
  const writing = makeFlagWriting(engine)

  /** The highest phase of the customers that a change is about. */
  const from = (integration: string, cohort: string | undefined): Phase =>
    flags
      .outlook(integration)
      .filter((outlook) => cohort === undefined || outlook.cohort === cohort)
      .map(({ requested }) => requested)
      .reduce((a, b) => (phaseRank(a) >= phaseRank(b) ? a : b), 'off' as Phase)

  const capOver = (integration: string, cohort: string | undefined): Cap | null =>
    flags.cohorts.names
      .filter((name) => cohort === undefined || name === cohort)
      .flatMap((name) => flags.storedCaps.lowest(integration, name) ?? [])
      .reduce<Cap | null>((a, b) => (a !== null && phaseRank(a.phase) <= phaseRank(b.phase) ? a : b), null)

  const change = async (integration: string, cohort: string | undefined, to: Phase): Promise<FlagChange> => {
    const pin = flags.pin(integration)
    const cap = capOver(integration, cohort)
    const isCapped = cap !== null && phaseRank(cap.phase) < phaseRank(to)
    const gate = await gateAhead(engine, integration, cohort, to)
    const held = [
      ...(pin !== null && pin.phase !== to
        ? [[pin.reason, beyondPin(engine, integration)].filter((part) => part !== null).join(': ')]
        : gate.waits),
      ...(isCapped ? [`${cappedBy(cap)}: crossfade lift ${integration}`] : []),
    ]
    return {
      integration,
      cohort: cohort ?? null,
      from: from(integration, cohort),
      to,
      effective: pin?.phase ?? lowerPhase(gate.allowed, isCapped ? cap.phase : to),
      waits_for: held,
      problem: null,
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
    lint: async () => {
      const snapshot = flags.source.snapshot()
      const findings = snapshot === null ? [] : lintSnapshot(snapshot, config, flags.cohorts.names)
      return {
        source: flags.source.origin,
        findings: findings.map((found) => ({ ...found, rule: ruleOf(found.code) })),
      }
    },
    set: async ({ selector, cohort, percent, phase, reason, execute }, by) => {
      assertCohort(flags.cohorts, cohort)
      const names = select(config, selector)
      const changes = await Promise.all(names.map((integration) => change(integration, cohort, phase)))
      const edit = { phase, ...(cohort === undefined ? {} : { cohort }), ...(percent === undefined ? {} : { percent }) }
      const asks = names.map((integration) => ({
        integration,
        edit: (held: Feature | null) => setPhase(held, integration, edit),
      }))
      if (!execute) {
        const looks = await writing.look(asks)
        const isWritten = (name: string): boolean => looks === null || looks[names.indexOf(name)]?.kind === 'differs'
        const foreseen = withHold(engine, { changes, isWritten, together: !writing.oneByOne })
        const problems = foreseen.map((change, i) => ({ ...change, problem: problemIn(looks?.[i]) }))
        return { executed: false, one_by_one: writing.oneByOne, changes: problems }
      }
      const written = await writing.write(asks)
      assertSomeSet(names, written)
      await engine.gates.look(names)
      const detail = { cohort: cohort ?? null, percent: percent ?? null, to: phase, reason, at: clock.wall() }
      await Promise.all(
        changes
          .filter((_, i) => written[i]?.kind === 'written')
          .map(({ integration, from: was }) =>
            journal
              .append({ kind: 'flag-set', integration, actor: by, detail: { ...detail, from: was } })
              .catch(() => undefined),
          ),
      )
      const seen = await Promise.all(names.map((integration) => change(integration, cohort, phase)))
      // What was written and is held by now; what is not, took effect.
      return {
        executed: true,
        one_by_one: writing.oneByOne,
        changes: withHold(engine, { changes: seen, isWritten: () => false, together: false }).map((now, i) => ({
          ...now,
          from: changes[i]?.from ?? null,
          problem: problemIn(written[i]),
        })),
      }
    },
  }
}
