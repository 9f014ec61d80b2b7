import { type Cap, EVERY_INTEGRATION } from '../../flags/caps.ts'
import { flagsFault } from '../../flags/faults.ts'
import { liftSlices } from '../../flags/outlook.ts'
import { judgeLift, rollbackCap } from '../../flags/rollback.ts'
import type { CapsPort } from '../../proxy/ops/ports.ts'
import type { Cap as ShownCap } from '../../proxy/ops/status.ts'
import { keyOf } from '../serve/cap-shape.ts'
import type { Engine } from '../serve/engine.ts'
import { unmoved } from './pinned.ts'
import { assertCohort, select } from './select.ts'
import { showStill } from './still-new.ts'

export const showCap = ({ integration, cohort, phase, kind, reason, by, at, evidence }: Cap): ShownCap => ({
  integration,
  cohort,
  phase,
  source: kind,
  reason,
  by,
  at: new Date(at).toISOString(),
  evidence: evidence ?? null,
})

/** Who caps, for people: a rollback is somebody's, the guard and the gates are nobody's. */
export const cappedBy = ({ kind, by }: Cap): string => (kind === 'rollback' ? `rollback by ${by}` : kind)

/** The scope of a call: one cap for all integrations where all are meant, so that one added later is covered, too. */
const scopes = (engine: Engine, selector: string): readonly string[] =>
  selector === '*' ? [EVERY_INTEGRATION] : select(engine.config, selector)

const concerned = (engine: Engine, integration: string): readonly string[] =>
  integration === EVERY_INTEGRATION ? engine.flags.integrations : [integration]

/** Rolling back works from memory at once and is made durable beside; lifting is durable first. */
export function makeCapsPort(engine: Engine): CapsPort {
  const { caps } = engine.flags
  const { capSpread, clock, journal } = engine

  /** Rollbacks are noted where they are made durable (bin/serve/caps.ts), which may be later and elsewhere. */
  const noteLift = (by: string, cap: Cap, reason: string | null): Promise<void> =>
    journal.append({
      kind: 'lift',
      integration: cap.integration === EVERY_INTEGRATION ? null : cap.integration,
      actor: by,
      detail: { cohort: cap.cohort, from: cap.phase, to: null, reason, of: cap.kind },
    })

  return {
    caps: async (selector) => {
      const names = new Set([...select(engine.config, selector), EVERY_INTEGRATION])
      return caps
        .list()
        .filter(({ integration }) => names.has(integration))
        .map(showCap)
    },
    rollback: async ({ selector, cohort, to, reason }, by) => {
      assertCohort(engine.flags.cohorts, cohort)
      const set = scopes(engine, selector).map((integration) =>
        rollbackCap({
          integration,
          cohort: cohort ?? null,
          to,
          by,
          at: clock.wall(),
          ...(reason === undefined ? {} : { reason }),
        }),
      )
      const { durable, replicas } = await capSpread.add(set)
      engine.settler.nudge()
      const integrations = set.flatMap(({ integration }) => concerned(engine, integration))
      const keys = new Set(set.map(keyOf))
      return {
        // What holds now: a cap that was lower stays.
        caps: caps
          .list()
          .filter((cap) => keys.has(keyOf(cap)))
          .map(showCap),
        durable,
        replicas,
        // Without the ledger nobody knows, and an operator shall not wait for that.
        still_new: durable ? showStill(await engine.stillNew.look({ integrations, cohort: cohort ?? null })) : null,
        unmoved: unmoved(engine, integrations, to),
      }
    },
    lift: async ({ selector, cohort, force, reason }, by) => {
      // One that is no more may have left a cap, which is lifted by its name.
      if (!caps.list().some((cap) => cap.cohort === cohort)) assertCohort(engine.flags.cohorts, cohort)
      const named = new Set([...scopes(engine, selector), ...select(engine.config, selector)])
      const lifted = caps
        .list()
        .filter((cap) => cap.kind !== 'gate' && named.has(cap.integration))
        .filter((cap) => cohort === undefined || cap.cohort === cohort)
      const verdict = judgeLift(liftSlices(lifted, engine.flags.integrations, engine.flags.outlookParts()), force)
      if (verdict.kind === 'refused') throw flagsFault('lift-refused', settleWith(verdict.raises))
      const replicas = await capSpread.remove(lifted)
      for (const cap of lifted) await noteLift(by, cap, reason ?? null)
      return { lifted: lifted.map(showCap), replicas }
    },
  }
}

const settleWith = (
  raises: readonly {
    readonly integration: string
    readonly cohort: string
    readonly runs: string
    readonly after: string
  }[],
) =>
  raises
    .map(
      (r) =>
        `${r.integration}/${r.cohort} runs ${r.runs}, would run ${r.after}: crossfade flags set ${r.integration} --cohort ${r.cohort} ${r.runs} --execute --reason "..."`,
    )
    .join('; ')
