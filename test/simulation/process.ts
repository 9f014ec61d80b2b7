import type { Pair } from '../../backends/pair.ts'
import type { Address } from '../../backends/secret.ts'
import type { Store } from '../../backends/store.ts'
import type { Side } from '../../core/side.ts'
import type { Phase } from '../../flags/phase.ts'
import type { Bus } from '../../ledger/bus.ts'
import { type Coherence, makeCoherence } from '../../ledger/coherence.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { type Memory, makeMemory } from '../../ledger/memory.ts'
import type { Replicas } from '../../ledger/postgres/replicas.ts'
import { makeReplica, type Replica } from '../../ledger/replica.ts'
import { settle } from '../../ledger/settle.ts'
import { type BareWrites, makeBareWrites } from '../../proxy/core/bare-writes.ts'
import type { CoreDeps } from '../../proxy/core/context.ts'
import { type Lazy, makeLazy } from '../../proxy/core/lazy.ts'
import { CORE_RULES, type CoreRules } from '../../proxy/core/rules.ts'
import { makeSecrets } from '../../proxy/core/secrets.ts'
import type { Secrets } from '../../proxy/operations.ts'
import type { SimBus } from './sim-bus.ts'
import { connect, connectReplicas, type LedgerState } from './sim-ledger.ts'
import { type SimStore, text } from './sim-store.ts'
import type { World } from './world.ts'

export const INTEGRATION = 'aws'
export const at = (name: string): Address => ({ integration: INTEGRATION, customer: 'acme', name })

/** ms of simulated time. */
export const LEASES = { operation: 1000, replica: 3000, patience: 200, read: 400, settle: 1000 } as const

/** A process's way to the ledger. */
export interface Connection {
  readonly ledger: Ledger
  readonly replicas: Replicas
}

/** The parts of a process that a mutant may replace, each by wrapping the real one. */
export interface Parts {
  readonly rules: (rules: CoreRules) => CoreRules
  readonly store: (store: Store, world: World, owner: string) => Store
  readonly memory: (memory: Memory) => Memory
  readonly replica: (replica: Replica) => Replica
  readonly coherence: (coherence: Coherence, memory: Memory) => Coherence
  readonly connection: (connection: Connection) => Connection
  readonly lazy: (lazy: Lazy) => Lazy
  readonly bareWrites: (bareWrites: BareWrites) => BareWrites
}

const same = <T>(part: T): T => part
export const REAL_PARTS: Parts = {
  rules: same,
  store: same,
  memory: same,
  replica: same,
  coherence: same,
  connection: same,
  lazy: same,
  bareWrites: same,
}

/** What all processes share: the ledger's database, the stores, the network. */
export interface Surroundings {
  readonly world: World
  readonly ledger: LedgerState
  readonly stores: Readonly<Record<Side, SimStore>>
  readonly bus: SimBus
  readonly parts: Parts
}

/** One running proxy: the real code over connections of its own. */
export interface Process {
  readonly owner: string
  readonly replica: Replica
  readonly secrets: Secrets
  readonly rules: CoreRules
  /** The phase that this process's flags give now. */
  setPhase(phase: Phase): void
  settle(): Promise<unknown>
  flush(): Promise<void>
}

export function startProcess(around: Surroundings, name: string, incarnation: number): Process {
  const { world, parts } = around
  const owner = `${name}.${incarnation}`
  const clock = world.clock(owner)
  const { ledger, replicas } = parts.connection({
    ledger: connect(around.ledger, world, owner),
    replicas: connectReplicas(around.ledger, world, owner),
  })
  const bus: Bus = around.bus.connect(owner)
  const memory = parts.memory(makeMemory())
  const bareWrites = parts.bareWrites(makeBareWrites())
  let ids = 0
  const newId = (): string => `${owner}/${++ids}`
  const replica = parts.replica(
    makeReplica({
      id: owner,
      name,
      lease: LEASES.replica,
      ledger,
      replicas,
      memory,
      clock,
      drained: bareWrites.drained,
      hears: bus.hears,
    }),
  )
  bus.onHearing(() => replica.distrust())
  const coherence = parts.coherence(
    makeCoherence({ id: owner, bus, memory, replicas, clock, newId, patience: LEASES.patience }),
    memory,
  )
  const store = (side: Side): Store => parts.store(around.stores[side].connect(owner), world, owner)
  const pair: Pair = {
    stores: { legacy: store('legacy'), new: store('new') },
    shape: 'bytes',
    unrepresentable: () => null,
  }
  const settleDeps = {
    ledger,
    pairs: () => pair,
    fingerprint: (_: Address, secret: Parameters<typeof text>[0]) => text(secret),
    coherence,
    clock,
  }
  let phase: Phase = 'off'
  const rules = parts.rules(CORE_RULES)
  const deps: CoreDeps = {
    pairs: () => pair,
    phaseOf: () => phase,
    ledger,
    replica,
    coherence,
    fingerprint: settleDeps.fingerprint,
    etag: settleDeps.fingerprint,
    settleOne: (only) =>
      settle(settleDeps, { integration: INTEGRATION, source: null, only, limit: 1, lease: LEASES.settle }),
    shadow: () => undefined,
    rules,
    clock,
    newId,
    bareWrites,
    lease: LEASES.operation,
    readDeadline: LEASES.read,
    whenLedgerDown: 'proven',
    onEvent: () => undefined,
  }
  const lazy = parts.lazy(makeLazy(ledger, coherence))
  return {
    owner,
    replica,
    rules,
    secrets: makeSecrets(deps, lazy, { names: async () => [], known: async () => new Set() }),
    setPhase: (next) => {
      phase = next
    },
    settle: () => settle(settleDeps, { integration: INTEGRATION, source: null, limit: 10, lease: LEASES.settle }),
    flush: () => lazy.flush(),
  }
}
