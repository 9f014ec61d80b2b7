import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { digest } from '../../../backends/digest.ts'
import { makeMemoryStore } from '../../../backends/memory/memory.ts'
import type { Pair } from '../../../backends/pair.ts'
import { type Address, type Secret, SecretValue } from '../../../backends/secret.ts'
import { systemClock } from '../../../core/clock.ts'
import type { Side } from '../../../core/side.ts'
import type { Phase } from '../../../flags/phase.ts'
import { soleReplica } from '../../../ledger/coherence.ts'
import { makeMemory } from '../../../ledger/memory.ts'
import { makeInventory } from '../../../ledger/postgres/inventory.ts'
import { makeNames } from '../../../ledger/postgres/names.ts'
import { makeReplica } from '../../../ledger/replica.ts'
import { settle } from '../../../ledger/settle.ts'
import { makeBareWrites } from '../../../proxy/core/bare-writes.ts'
import type { CoreDeps, CoreEvent, ShadowObservation } from '../../../proxy/core/context.ts'
import { makeLazy } from '../../../proxy/core/lazy.ts'
import { CORE_RULES } from '../../../proxy/core/rules.ts'
import { makeSecrets } from '../../../proxy/core/secrets.ts'
import { INTEGRATION, SECRET, withLedger } from '../../ledger/with-ledger.ts'
import { makeFaultyStore } from '../../support/faulty-store.ts'

export { INTEGRATION, SECRET }

export const secretOf = (text: string): Secret => ({
  value: SecretValue.ofText(text),
  contentType: 'text/plain',
  metadata: { team: 'x' },
})
export const textOf = (secret: Secret): string => Buffer.from(secret.value.open()).toString()

export interface CoreOptions {
  readonly enrolled?: boolean
  readonly inventoried?: boolean
  readonly versions?: Readonly<Record<Side, 'plain' | 'fenced'>>
  readonly lease?: number
  readonly whenLedgerDown?: 'proven' | 'unproven'
}

/** The real core over a real ledger and two stores in memory that can be troubled; `phase` is set at will. */
export async function withCore(t: TestContext, options: CoreOptions = {}) {
  const under = await withLedger(t, { enrolled: options.enrolled ?? true })
  const { database, ledger, replicas } = under
  if (options.inventoried ?? options.enrolled ?? true) await makeInventory(database).mark(INTEGRATION)
  const store = (name: Side) =>
    makeFaultyStore(
      makeMemoryStore({
        name,
        versions: (options.versions ?? { legacy: 'plain', new: 'fenced' })[name],
        maxSize: 65536,
        clock: systemClock,
      }),
    )
  const stores = { legacy: store('legacy'), new: store('new') }
  const pair: Pair = { stores, shape: 'bytes', unrepresentable: () => null }
  const keys = { fingerprint: createSecretKey(randomBytes(32)), etag: createSecretKey(randomBytes(32)) }
  const fingerprint = (address: Address, secret: Secret) =>
    digest(keys.fingerprint, 'fingerprint', address, secret, 'bytes')
  const memory = makeMemory()
  const bareWrites = makeBareWrites()
  const replica = makeReplica({
    id: randomUUID(),
    name: 'r1',
    lease: 60_000,
    ledger,
    replicas,
    memory,
    clock: systemClock,
    drained: bareWrites.drained,
    hears: () => true,
  })
  await replica.start()
  const coherence = soleReplica(memory)
  const events: CoreEvent[] = []
  const shadowed: ShadowObservation[] = []
  let phase: Phase = 'off'
  const settleDeps = { ledger, pairs: () => pair, fingerprint, coherence, clock: systemClock }
  const deps: CoreDeps = {
    pairs: () => pair,
    phaseOf: () => phase,
    ledger,
    replica,
    coherence,
    fingerprint,
    etag: (address, secret) => digest(keys.etag, 'etag', address, secret, 'bytes'),
    settleOne: (only) =>
      settle(settleDeps, { integration: only.integration, source: null, only, limit: 1, lease: 5000 }),
    shadow: (observation) => shadowed.push(observation),
    rules: CORE_RULES,
    clock: systemClock,
    newId: randomUUID,
    bareWrites,
    lease: options.lease ?? 60_000,
    readDeadline: 5000,
    whenLedgerDown: options.whenLedgerDown ?? 'proven',
    onEvent: (event) => events.push(event),
  }
  const lazy = makeLazy(ledger, coherence)
  const secrets = makeSecrets(deps, lazy, makeNames(database))
  t.after(() => lazy.flush())
  return {
    ...under,
    stores,
    replica,
    memory,
    events,
    shadowed,
    deps,
    lazy,
    secrets,
    settleAll: async () => {
      await lazy.flush()
      return settle(settleDeps, { integration: INTEGRATION, source: null, limit: 100, lease: 5000 })
    },
    setPhase: (next: Phase) => {
      phase = next
    },
    /** What a client is served for `address` in `as`: the text, or null. */
    served: async (as: Phase, address: Address = SECRET): Promise<string | null> => {
      phase = as
      const result = await secrets.read(address)
      return result.kind === 'found' ? textOf(result.secret) : null
    },
    /** What one store holds, looked at directly. */
    held: async (side: Side, address: Address = SECRET): Promise<string | null> => {
      stores[side].troubleReads(false)
      const outcome = await stores[side].get(address, { deadline: systemClock.monotonic() + 5000 })
      return outcome.kind === 'found' ? textOf(outcome.secret) : null
    },
  }
}
