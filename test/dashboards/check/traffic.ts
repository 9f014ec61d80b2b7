import { systemClock } from '../../../core/clock.ts'
import { addressIn, CALM, PLANTED, STUCK } from './plant.ts'
import type { CheckedSystem } from './system.ts'

const PAUSE_MS = 100

/** Clients that read, write, delete and list, until stopped: what is planted is none of theirs. */
export function startTraffic({ secrets, machineSecrets }: CheckedSystem): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const round = async (at: number): Promise<void> => {
    const own = addressIn(CALM, `traffic/${at % 5}`)
    const content = { contentType: 'text/plain', metadata: {} }
    await secrets.put(own, Buffer.from(`v${at}`), content)
    await secrets.get(own)
    await machineSecrets.get(own)
    // New is asked first, and the ledger before nothing is believed of it.
    await secrets.get(addressIn(CALM, 'traffic/none')).catch(() => undefined)
    await secrets.get(STUCK).catch(() => undefined)
    await secrets.list(CALM, own.customer, { limit: 10 })
    if (at % 5 === 4) await secrets.remove(own, {})
    for (const integration of Object.values(PLANTED)) {
      const common = addressIn(integration, 'traffic/common')
      await secrets.put(common, Buffer.from('the same'), content)
      await secrets.get(common)
    }
  }
  const run = async (): Promise<void> => {
    for (let at = 0; !stopping.signal.aborted; at += 1) {
      await round(at)
      await systemClock.sleep(PAUSE_MS, stopping.signal).catch(() => undefined)
    }
  }
  const running = run()
  // Whoever waits for its end is told; until then nobody listens.
  running.catch(() => undefined)
  return {
    stop: () => {
      stopping.abort()
      return running
    },
  }
}
