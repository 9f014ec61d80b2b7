import { PLANS } from '../../flags/phase.ts'
import { type Check, makeReadiness } from '../../proxy/ops/readiness.ts'
import type { Engine } from './engine.ts'

/** Longest that one store may take to say that it is there. */
const PING_MS = 1000

/** Ready once the ledger, the flags and the stores were there; from then on only the stores that serve count. */
export function makeServeReadiness(engine: Engine, listening: () => boolean) {
  const { parts, flags, stores, clock, config } = engine
  const pingAll = async (names: ReadonlySet<string>) => {
    const silent: string[] = []
    const unfit: string[] = []
    for (const name of names) {
      const store = stores.all.get(name)
      const outcome = await store?.ping({ deadline: clock.monotonic() + PING_MS })
      if (outcome?.kind !== 'ok') silent.push(name)
      const verdict = store?.verdict?.()
      if (verdict !== undefined && verdict.stops !== 'nothing') unfit.push(`${name}: ${verdict.detail}`)
    }
    const wrong = [...(silent.length === 0 ? [] : [`no answer: ${silent.join(', ')}`]), ...unfit]
    return { ok: wrong.length === 0, detail: wrong.length === 0 ? [...names].join(', ') : wrong.join('; ') }
  }
  const serving = () =>
    new Set(
      flags.integrations.flatMap((name) =>
        flags.outlook(name).map(({ runs }) => config.integrations[name]?.[PLANS[runs].read] ?? ''),
      ),
    )
  const checks: Check[] = [
    {
      name: 'ledger',
      needed: 'start',
      probe: async () => {
        const known = parts.replica.state(flags.integrations[0] ?? '') !== null
        const trusted = parts.replica.trusted() ? 'reached' : 'each read asks the ledger: no lease, or no messages'
        return { ok: known, detail: known ? trusted : 'never reached: no reads, no writes' }
      },
    },
    {
      name: 'configuration',
      needed: 'always',
      probe: async () => {
        const found = engine.identity.problems()
        return { ok: found.length === 0, detail: found.length === 0 ? 'as it was enrolled' : found.join('; ') }
      },
    },
    {
      name: 'flags',
      needed: 'start',
      probe: async () => {
        const { stale, error } = flags.source.state()
        const remembered = flags.integrations.some((name) => flags.phases.history(name).length > 0)
        return {
          ok: !stale || remembered,
          detail: stale ? `the last known phases stand: ${error ?? 'no answer'}` : flags.source.origin,
        }
      },
    },
    {
      name: "clients' port",
      needed: 'always',
      probe: async () => {
        const ok = listening()
        return { ok, detail: ok ? 'it answers' : 'it does not listen yet' }
      },
    },
    {
      name: 'serving stores',
      needed: 'always',
      probe: () => pingAll(serving()),
    },
  ]
  return makeReadiness(checks)
}
