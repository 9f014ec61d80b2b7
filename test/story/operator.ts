import type { OpsClient } from '../../bin/cli/ops-client.ts'
import type { Clock } from '../../core/clock.ts'
import type { Phase } from '../../flags/phase.ts'

/** What the operator of the story does, to all integrations at once. Each rejects if it takes too long. */
export interface Operator {
  /** Resolves when every cohort of every integration runs the phase. */
  flip(phase: Phase): Promise<void>
  /** Enrol, inventory, backfill and verify, a few integrations at a time; resolves when all of them are equal. */
  migrate(integrations: readonly string[]): Promise<void>
  /** Resolves when no secret is left to copy and none differs. */
  copied(): Promise<void>
  integrations(): Promise<readonly string[]>
}

const LIMITS_MS = { flip: 60_000, run: 240_000, copied: 30_000 } as const
const POLL_MS = 100
const AT_ONCE = 3
const REASON = 'the story'

export function makeOperator(ops: OpsClient, clock: Clock, signal: AbortSignal): Operator {
  const until = (what: string, limit: number, holds: () => Promise<boolean>): Promise<void> =>
    waitUntil({ what, limit, holds, clock, signal })
  const status = async () => (await ops.call('status', { query: {} }, signal)).integrations

  const migrateOne = async (integration: string): Promise<void> => {
    await ops.call('migrate', { body: { integration, execute: true, reason: REASON } }, signal)
    await until(`migrate ${integration}`, LIMITS_MS.run, async () => {
      const { run } = await ops.call('progress', { params: { integration } }, signal)
      if (run === null || run.ended_at === null) return false
      if (run.outcome === 'done') return true
      throw new Error(`migrate ${integration} ended ${run.outcome} in ${run.stage}: ${run.message}`)
    })
  }
  return {
    flip: async (phase) => {
      await ops.call('setFlags', { body: { selector: '*', phase, execute: true, reason: REASON } }, signal)
      await until(`every cohort to run ${phase}`, LIMITS_MS.flip, async () =>
        (await status()).every(({ cohorts }) => cohorts.every(({ effective }) => effective === phase)),
      )
    },
    migrate: async (integrations) => {
      // These clients never pause, so that whatever copies disturbs them: a pace that adapts would stay at its least.
      await ops.call('setPace', { body: { selector: '*', adaptive: false, reason: REASON } }, signal)
      const waiting = [...integrations]
      const worker = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await migrateOne(next)
      }
      await Promise.all(Array.from({ length: AT_ONCE }, worker))
    },
    copied: () =>
      until('nothing to be left', LIMITS_MS.copied, async () =>
        (await status()).every(
          ({ counts }) => counts !== null && counts.left + counts.owing + counts.mismatched + counts.quarantined === 0,
        ),
      ),
    integrations: async () => (await status()).map(({ integration }) => integration),
  }
}

interface Wait {
  readonly what: string
  /** ms */
  readonly limit: number
  readonly holds: () => Promise<boolean>
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Asks again and again; rejects when the limit is over. */
export async function waitUntil({ what, limit, holds, clock, signal }: Wait): Promise<void> {
  const end = clock.monotonic() + limit
  while (!(await holds())) {
    if (clock.monotonic() > end) throw new Error(`waited ${limit} ms for ${what}`)
    await clock.sleep(POLL_MS, signal)
  }
}
