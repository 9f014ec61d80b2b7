import { type Cap, EVERY_INTEGRATION } from '../../flags/caps.ts'
import { flagsFault } from '../../flags/faults.ts'
import { liftSlices } from '../../flags/outlook.ts'
import { judgeLift, rollbackCap } from '../../flags/rollback.ts'
import { countOnlyNew } from '../../ledger/postgres/quarantine.ts'
import type { CapsPort } from '../../proxy/ops/ports.ts'
import type { Cap as ShownCap } from '../../proxy/ops/status.ts'
import type { Engine } from '../serve/engine.ts'
import { select } from './select.ts'

export const showCap = ({ integration, cohort, phase, kind, reason, by, at }: Cap): ShownCap => ({
  integration,
  cohort,
  phase,
  source: kind,
  reason,
  by,
  at: new Date(at).toISOString(),
})

/** The scope of a call: one cap for all integrations where all are meant, so that one added later is covered, too. */
const scopes = (engine: Engine, selector: string): readonly string[] =>
  selector === '*' ? [EVERY_INTEGRATION] : select(engine.config, selector)

const concerned = (engine: Engine, integration: string): readonly string[] =>
  integration === EVERY_INTEGRATION ? engine.flags.integrations : [integration]

/** How many secrets of this scope are answered by new because only it holds the latest write; null: the ledger is down. */
async function stillNew(
  engine: Engine,
  integrations: readonly string[],
  cohort: string | null,
): Promise<number | null> {
  const counted = await countOnlyNew(engine.parts.database, integrations).catch(() => null)
  if (counted === null) return null
  const within = counted.filter(({ customer }) => cohort === null || engine.flags.cohorts.of(customer) === cohort)
  return within.reduce((sum, { secrets }) => sum + secrets, 0)
}

/** Rolling back works from memory at once and is made durable beside; lifting is durable first. */
export function makeCapsPort(engine: Engine): CapsPort {
  const { caps } = engine.flags
  const { capSpread, clock, journal } = engine

  const note = (kind: string, by: string, cap: Cap, reason: string | null): Promise<void> =>
    journal.append({
      kind,
      integration: cap.integration === EVERY_INTEGRATION ? null : cap.integration,
      actor: by,
      detail: {
        cohort: cap.cohort,
        to: kind === 'rollback' ? cap.phase : null,
        from: kind === 'lift' ? cap.phase : null,
        reason,
      },
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
      // The audit record was written before; the event is for people, and no reason to call a rollback failed.
      await Promise.all(set.map((cap) => note('rollback', by, cap, reason ?? null))).catch(() => undefined)
      engine.settler.nudge()
      const integrations = set.flatMap(({ integration }) => concerned(engine, integration))
      return {
        caps: set.map(showCap),
        durable,
        replicas,
        still_new: await stillNew(engine, integrations, cohort ?? null),
      }
    },
    lift: async ({ selector, cohort, force, reason }, by) => {
      const named = new Set(scopes(engine, selector))
      const lifted = caps
        .list()
        .filter((cap) => cap.kind !== 'gate' && named.has(cap.integration) && cap.cohort === (cohort ?? null))
      const verdict = judgeLift(liftSlices(lifted, engine.flags.integrations, engine.flags.outlookParts()), force)
      if (verdict.kind === 'refused') throw flagsFault('lift-refused', settleWith(verdict.raises))
      const replicas = await capSpread.remove(lifted)
      for (const cap of lifted) await note('lift', by, cap, reason ?? null)
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
