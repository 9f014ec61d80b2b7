import { createSecretKey, randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { Registry } from 'prom-client'
import { digest } from '../../../backends/digest.ts'
import { makeMemoryStore } from '../../../backends/memory/memory.ts'
import { type Address, type Secret, SecretValue } from '../../../backends/secret.ts'
import { makeGuardWatch } from '../../../bin/serve/guard.ts'
import type { Side } from '../../../core/side.ts'
import type { GuardConfig } from '../../../flags/guard/config.ts'
import { guardConfigSchema } from '../../../flags/guard/config.ts'
import { makeFlagsMetrics } from '../../../flags/metrics.ts'
import { outlookOf } from '../../../flags/outlook.ts'
import type { Phase } from '../../../flags/phase.ts'
import { noBus } from '../../../ledger/bus.ts'
import { soleReplica } from '../../../ledger/coherence.ts'
import { ledgerFault } from '../../../ledger/faults.ts'
import { makeMemory } from '../../../ledger/memory.ts'
import type { MismatchRecord } from '../../../ledger/postgres/mismatches.ts'
import { settle } from '../../../ledger/settle.ts'
import { makeBareWrites } from '../../../proxy/core/bare-writes.ts'
import type { CoreDeps } from '../../../proxy/core/context.ts'
import { makeLazy } from '../../../proxy/core/lazy.ts'
import { CORE_RULES } from '../../../proxy/core/rules.ts'
import { makeSecrets } from '../../../proxy/core/secrets.ts'
import { makeProxyMetrics } from '../../../proxy/metrics.ts'
import { makeShadow } from '../../../proxy/shadow/shadow.ts'
import { makeRules } from '../../simulation/row-rules.ts'
import { connect, makeLedgerState } from '../../simulation/sim-ledger.ts'
import { makeFaultyStore } from '../../support/faulty-store.ts'
import { at, build, cohorts } from '../phases-at-hand.ts'

export const INTEGRATION = 'aws'
export const GRACE = 1000
export const addressOf = (name: string, customer = 'acme'): Address => ({ integration: INTEGRATION, customer, name })
export const secretOf = (text: string): Secret => ({ value: SecretValue.ofText(text), contentType: null, metadata: {} })

/**
 * The real core, shadow comparison, phases and guard over two stores in memory and the ledger's own rules, on a clock that
 * the test drives. What the guard trips on becomes a cap in the book, as on a replica alone.
 */
export async function withGuard(t: TestContext, phase: Phase, given: object | 'off' = {}) {
  const config: GuardConfig = guardConfigSchema.parse(given)
  const { source, clock, caps, phases } = build(t)
  source.give([at(INTEGRATION, phase)])
  await phases.start()
  const store = (name: Side) => makeFaultyStore(makeMemoryStore({ name, versions: 'fenced', maxSize: 65_536, clock }))
  const stores = { legacy: store('legacy'), new: store('new') }
  const pair = { stores, shape: 'bytes' as const, unrepresentable: () => null }
  const key = createSecretKey(Buffer.alloc(32, 7))
  const fingerprint = (address: Address, secret: Secret) => digest(key, 'fingerprint', address, secret, 'bytes')

  let isLedgerAway = false
  const world = {
    draw: () => 0,
    now: () => clock.monotonic(),
    tell: () => undefined,
    step: async <T>(_owner: string | null, _label: string, act: () => T): Promise<T> => {
      if (isLedgerAway) throw ledgerFault('ledger-unavailable', 'by the test')
      return act()
    },
  }
  const state = makeLedgerState(makeRules())
  const row = { integration: INTEGRATION, state: 'enrolled', epoch: 2, inventoried: true } as const
  state.integrations.set(INTEGRATION, row)
  const ledger = connect(state, world, 'only')
  const memory = makeMemory()
  memory.learn([row])
  const coherence = soleReplica(memory)

  const registry = new Registry()
  const metrics = makeFlagsMetrics(registry)
  const outlook = (integration: string) =>
    outlookOf(integration, { history: (n) => phases.history(n), cohorts, caps, pin: () => null, now: clock.wall() })
  const watch = makeGuardWatch({
    self: 'only',
    config: { guard: config, integrations: { [INTEGRATION]: SECTION } },
    flags: { caps, phases, cohorts, outlook },
    bus: noBus,
    spread: {
      add: async (set) => {
        for (const cap of set) caps.add(cap)
        return { durable: true, replicas: { applied: 1, of: 1 } }
      },
    },
    clock,
    metrics,
  })
  const recorded: MismatchRecord[] = []
  const mismatches = watch.tellOf({
    record: async (mismatch) => String(recorded.push(mismatch)),
    resolve: async () => undefined,
    list: async () => [],
  })
  const proxyMetrics = makeProxyMetrics(registry)
  const shadow = makeShadow({
    pairs: () => pair,
    fingerprint,
    row: async (address) => (await ledger.ask(address)).row,
    recorder: {
      record: async ({ address, class: found, fingerprints, versions }) => {
        const [legacyFingerprint, newFingerprint] = [fingerprints.legacy, fingerprints.new]
        const seen = { legacyFingerprint, newFingerprint, legacyVersion: versions.legacy, newVersion: versions.new }
        await mismatches.record({ ...address, source: 'shadow', class: found, ...seen })
      },
      resolve: (address) => mismatches.resolve([address]),
    },
    clock,
    metrics: proxyMetrics,
    onLook: (look) => look.side === 'legacy' && watch.observe(look),
    limits: { concurrency: 8, queue: 1000, deadline: 2000, grace: GRACE },
  })
  const settleDeps = { ledger, pairs: () => pair, fingerprint, coherence, clock }
  const deps: CoreDeps = {
    ...settleDeps,
    phaseOf: (integration, customer) => phases.decide(integration, customer).effective,
    replica: { memory, trusted: () => true, state: () => 'enrolled', inventoried: () => true },
    etag: fingerprint,
    settleOne: async () => [],
    shadow: (observation) => shadow.compare(observation),
    rules: CORE_RULES,
    newId: randomUUID,
    bareWrites: makeBareWrites(),
    lease: 5000,
    readDeadline: 2000,
    whenLedgerDown: 'proven',
    onEvent: (event) => event.kind === 'call' && event.judged && watch.observe(event),
  }
  const lazy = makeLazy(ledger, coherence)
  const secrets = makeSecrets(deps, lazy, { names: async () => [], known: async () => new Set() })
  return {
    clock,
    caps,
    stores,
    watch,
    shadow,
    recorded,
    registry,
    comparisons: proxyMetrics.comparisons,
    inconclusive: proxyMetrics.inconclusive,
    secrets,
    phaseOf: (customer = 'acme') => phases.decide(INTEGRATION, customer).effective,
    setLedgerAway: (away: boolean) => {
      isLedgerAway = away
    },
    settleAll: () => settle(settleDeps, { integration: INTEGRATION, source: null, limit: 1000, lease: 5000 }),
    write: (name: string, text: string) => secrets.write(addressOf(name), secretOf(text), { kind: 'none' }),
    read: (name: string) => secrets.read(addressOf(name)),
    /** Past the proxy: what makes a stable mismatch. */
    corrupt: async (side: Side, name: string, text: string) => {
      const call = { deadline: clock.monotonic() + 1000 }
      await stores[side].put(addressOf(name), secretOf(text), { kind: 'any' }, call)
    },
    /** Lets everything that is under way go on until it waits for the clock. */
    turns: async (n = 5) => {
      for (let turn = 0; turn < n; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const SECTION = { owner: null, legacy: 'legacy', new: 'new', value: 'bytes', max_size: 65_536, gates: {} } as const
