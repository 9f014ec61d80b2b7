import type { Engine } from './engine.ts'

/** ms between two looks: often enough for changes of state, and several times within a lease. */
const pauseOf = ({ config }: Engine): number => Math.min(250, config.ledger.replica_lease / 4)

/** The lease, alone: whatever takes long elsewhere, a load, a drain, a count, delays no renewal. */
export async function keepForever(engine: Engine, signal: AbortSignal): Promise<void> {
  const { clock, parts, metrics } = engine
  while (!signal.aborted) {
    await parts.replica.keep()
    metrics.ledger.leaseHeld.set(parts.replica.trusted() ? 1 : 0)
    metrics.ledger.remembered.set(parts.memory.size)
    await clock.sleep(pauseOf(engine), signal).catch(() => undefined)
  }
}

/** What replicas follow beside the states; gates apart, because they count secrets. */
export async function followForever(engine: Engine, signal: AbortSignal): Promise<void> {
  const { metrics, identity, capSpread, comparisons, gates, pace } = engine
  await Promise.all([
    forever(engine, signal, async () => {
      await identity.follow()
      metrics.ledger.leftOut.set(identity.leftOut().length)
      metrics.ledger.otherwise.set(identity.problems().length)
      await capSpread.follow()
      await comparisons.flush()
      await pace.follow()
    }),
    forever(engine, signal, () => gates.follow()),
  ])
}

async function forever(engine: Engine, signal: AbortSignal, look: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await look()
    await engine.clock.sleep(pauseOf(engine), signal).catch(() => undefined)
  }
}
