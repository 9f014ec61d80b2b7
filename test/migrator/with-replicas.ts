import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { Address } from '../../backends/secret.ts'
import { systemClock } from '../../core/clock.ts'
import type { Phase } from '../../flags/phase.ts'
import type { Coherence } from '../../ledger/coherence.ts'
import type { IntegrationState } from '../../ledger/ledger.ts'
import { makeMemory } from '../../ledger/memory.ts'
import { makeNames } from '../../ledger/postgres/names.ts'
import { makeReplica } from '../../ledger/replica.ts'
import { migrate, type RunResult } from '../../migrator/migrate.ts'
import type { LeaveKind, RunKind, Stage } from '../../migrator/stages.ts'
import { makeBareWrites } from '../../proxy/core/bare-writes.ts'
import type { CoreDeps } from '../../proxy/core/context.ts'
import { makeLazy } from '../../proxy/core/lazy.ts'
import { makeSecrets } from '../../proxy/core/secrets.ts'
import { textOf } from '../proxy/core/with-core.ts'
import { INTEGRATION, type MigratorOptions, secretOf, withMigrator } from './with-migrator.ts'

export const none = { kind: 'none' } as const

/** One more proxy process over the same ledger and stores; it hears of states only when it is told to refresh. */
export interface Node {
  readonly name: string
  readonly refresh: () => Promise<void>
  readonly read: (address: Address) => Promise<string | null>
  readonly write: (address: Address, text: string) => Promise<unknown>
  readonly remove: (address: Address) => Promise<unknown>
  readonly state: () => IntegrationState | null
  readonly flush: () => Promise<void>
  readonly deps: CoreDeps
}

export interface RunHooks {
  /** Called whenever the run waits, with what it waits for. */
  readonly waiting?: (what: readonly string[], stage: Stage) => void
  readonly stage?: (stage: Stage) => void
  /** Awaited before each change of state, for forcing an order of events. */
  readonly before?: (next: IntegrationState) => Promise<void>
  /** Awaited before what comes after the last change of state: the report, and the rows. */
  readonly after?: (step: 'complete' | 'purge') => Promise<void>
  readonly signal?: AbortSignal
}

/**
 * The migrator and several replicas. Debts reach every memory; strikes are lost, so that memories hold entries which are
 * long settled: the barriers must not rely on them.
 */
export async function withReplicas(t: TestContext, count = 3, options: MigratorOptions = {}) {
  const under = await withMigrator(t, options)
  const { core, database } = under
  await core.replica.stop()
  let phase: Phase = 'off'
  const memories = Array.from({ length: count }, () => makeMemory())
  const coherence: Coherence = {
    announce: async (debt) => {
      for (const memory of memories) memory.debt(debt)
    },
    strike: () => {},
  }
  const nodes = await Promise.all(
    memories.map(async (memory, i): Promise<Node> => {
      const bareWrites = makeBareWrites()
      const name = `r${i + 1}`
      const replica = makeReplica({
        id: randomUUID(),
        name,
        lease: 60_000,
        ledger: core.ledger,
        replicas: core.replicas,
        memory,
        clock: systemClock,
        drained: bareWrites.drained,
        hears: () => true,
      })
      const deps: CoreDeps = { ...core.deps, replica, coherence, bareWrites, phaseOf: () => phase }
      const lazy = makeLazy(core.ledger, coherence)
      const secrets = makeSecrets(deps, lazy, makeNames(database))
      await replica.start()
      t.after(() => lazy.flush())
      return {
        name,
        deps,
        refresh: () => replica.refresh(),
        state: () => replica.state(INTEGRATION),
        flush: () => lazy.flush(),
        write: (address, text) => secrets.write(address, secretOf(text), none),
        remove: (address) => secrets.remove(address, none),
        read: async (address) => {
          const result = await secrets.read(address)
          return result.kind === 'found' ? textOf(result.secret) : null
        },
      }
    }),
  )

  const start = (kind: RunKind, hooks: RunHooks = {}): Promise<RunResult> => {
    let told: Stage | null = null
    const { stages } = under.deps
    const leave: typeof stages.leave = async (integration, next, note) => {
      await hooks.before?.(next)
      return stages.leave(integration, next, note)
    }
    const complete: typeof stages.complete = async (...what) => {
      await hooks.after?.('complete')
      return stages.complete(...what)
    }
    const purge: typeof stages.purge = async (...what) => {
      await hooks.after?.('purge')
      return stages.purge(...what)
    }
    return migrate(
      { ...under.deps, stages: { ...stages, leave, complete, purge } },
      { integration: INTEGRATION, kind, actor: 'ann', reason: 'the end' },
      {
        signal: hooks.signal ?? new AbortController().signal,
        emit: ({ stage, waitingFor }) => {
          if (stage !== told) hooks.stage?.(stage)
          told = stage
          if (waitingFor.length > 0) hooks.waiting?.(waitingFor, stage)
        },
      },
    )
  }
  const refreshAll = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.refresh()))
  }
  const node = (i: number): Node => nodes[i] as Node

  return {
    ...under,
    nodes,
    node,
    start,
    refreshAll,
    setPhase: (next: Phase) => {
      phase = next
    },
    flushAll: () => Promise.all(nodes.map(({ flush }) => flush())),
    state: async () => (await core.ledger.integrations()).find((row) => row.integration === INTEGRATION)?.state,
    /** Every replica hears at once whenever somebody waits. */
    run: (kind: RunKind, hooks: RunHooks = {}) =>
      start(kind, {
        ...hooks,
        waiting: (what, stage) => {
          hooks.waiting?.(what, stage)
          void refreshAll()
        },
      }),
    /** Enrolled, inventoried, copied and verified: ready for every phase. */
    migrated: async (): Promise<void> => {
      assert.equal((await start('migrate')).outcome, 'done')
      await refreshAll()
    },
    events: (kind: string) =>
      database.query<{ detail: Record<string, unknown> }>(
        null,
        'select detail from crossfade.event where integration = $1 and kind = $2 order by id',
        [INTEGRATION, kind],
      ),
  }
}

export type WithReplicas = Awaited<ReturnType<typeof withReplicas>>

/** Ends a run as a kill would: at the first moment of `stage`, or when it first waits there. */
export async function killedAt(under: WithReplicas, kind: LeaveKind, stage: Stage, when: 'entered' | 'waiting') {
  const kill = new AbortController()
  const dead = () => kill.abort(new Error('killed'))
  const run = under.start(kind, {
    signal: kill.signal,
    stage: (now) => {
      if (when === 'entered' && now === stage) dead()
    },
    waiting: (_what, now) => {
      if (when === 'waiting' && now === stage) dead()
      else void under.refreshAll()
    },
  })
  // The abort itself, or what was cut off by it.
  await assert.rejects(run, () => kill.signal.aborted)
}
