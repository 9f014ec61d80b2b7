import { systemClock } from '../../core/clock.ts'
import { ledgerFault } from '../../ledger/faults.ts'
import { tryToMake } from './make-store.ts'
import type { CrossfadeConfig } from './schema.ts'

const PATIENCE_MS = 5000

/** What every store of an integration says that it is; changes nothing there. Throws `store-silent`. */
export async function idsOf(config: CrossfadeConfig): Promise<ReadonlyMap<string, string | null>> {
  const used = new Set(Object.values(config.integrations).flatMap(({ legacy, new: fresh }) => [legacy, fresh]))
  const answers = await Promise.all([...used].map(async (name) => [name, await idOf(config, name)] as const))
  return new Map(answers)
}

async function idOf(config: CrossfadeConfig, name: string): Promise<string | null> {
  const section = config.stores[name] as CrossfadeConfig['stores'][string]
  const { store, reason } = tryToMake(name, section)
  if (store === null) throw ledgerFault('store-silent', `${name}: ${reason}`)
  try {
    const call = { deadline: systemClock.monotonic() + PATIENCE_MS, signal: AbortSignal.timeout(PATIENCE_MS) }
    const outcome = await store.identity(call, false)
    if (outcome.kind === 'error') throw ledgerFault('store-silent', `${name}: ${outcome.reason}`)
    return outcome.id
  } finally {
    await store.close()
  }
}
