import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { Registry } from 'prom-client'
import { digest } from '../../../backends/digest.ts'
import { makeMemoryStore } from '../../../backends/memory/memory.ts'
import { type Address, type Secret, SecretValue } from '../../../backends/secret.ts'
import { ANY } from '../../../backends/store.ts'
import type { Side } from '../../../core/side.ts'
import type { RowView } from '../../../ledger/ledger.ts'
import { makeProxyMetrics } from '../../../proxy/metrics.ts'
import { makeShadow, type ShadowMismatch } from '../../../proxy/shadow/shadow.ts'
import { makeDrivenClock } from '../../access/driven-clock.ts'
import { makeFaultyStore } from '../../support/faulty-store.ts'

export const ADDRESS: Address = { integration: 'aws', customer: 'c1', name: 'key' }
export const GRACE = 1000

export const secretOf = (text: string, metadata: Readonly<Record<string, string>> = {}): Secret => ({
  value: SecretValue.ofText(text),
  contentType: 'text/plain',
  metadata,
})

export const QUIET: RowView = {
  fresh: 'both',
  seq: 4,
  deleted: false,
  gone: false,
  current: null,
  version: 9,
  open: 0,
  writing: 0,
  blank: false,
  quarantine: null,
}

/** The shadow room over two stores in memory, a row and a clock that the test moves, and what was recorded. */
export function withShadow(limits: { readonly concurrency?: number; readonly queue?: number } = {}) {
  const clock = makeDrivenClock()
  const store = (name: Side) => makeFaultyStore(makeMemoryStore({ name, versions: 'fenced', maxSize: 65_536, clock }))
  const stores = { legacy: store('legacy'), new: store('new') }
  const key = createSecretKey(randomBytes(32))
  const recorded: ShadowMismatch[] = []
  const resolved: Address[] = []
  const registry = new Registry()
  const metrics = makeProxyMetrics(registry)
  let row: () => RowView | null = () => QUIET
  const shadow = makeShadow({
    pairs: () => ({ stores, shape: 'bytes', unrepresentable: () => null }),
    fingerprint: (address, secret) => digest(key, 'fingerprint', address, secret, 'bytes'),
    row: async () => row(),
    recorder: {
      record: async (mismatch) => {
        recorded.push(mismatch)
      },
      resolve: async (address) => {
        resolved.push(address)
      },
    },
    clock,
    metrics,
    limits: { concurrency: limits.concurrency ?? 4, queue: limits.queue ?? 100, deadline: 500, grace: GRACE },
  })
  const count = async (
    name: 'comparisons' | 'inconclusive' | 'mismatches' | 'dropped' | 'queued',
    label?: string,
  ): Promise<number> => {
    const { values } = await metrics[name].get()
    const wanted = values.filter(({ labels }) => label === undefined || Object.values(labels).includes(label))
    return wanted.reduce((sum, { value }) => sum + value, 0)
  }
  /** Until everything that is under way has ended, or waits for the clock. */
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    stores,
    shadow,
    clock,
    recorded,
    resolved,
    count,
    settled,
    registry,
    setRow: (next: () => RowView | null) => {
      row = next
    },
    hold: async (side: Side, secret: Secret): Promise<void> => {
      const outcome = await stores[side].put(ADDRESS, secret, ANY, { deadline: clock.monotonic() + 1000 })
      assert.equal(outcome.kind, 'done')
    },
    /** What the core tells after a reply in shadow: legacy served `secret`. */
    served: (secret: Secret | null, address: Address = ADDRESS) =>
      shadow.compare({ address, phase: 'shadow', side: 'legacy', secret }),
    /** Past the grace period, to the end of the second look. */
    judge: async (): Promise<void> => {
      await settled()
      await clock.advance(GRACE)
      await shadow.flush()
    },
  }
}
