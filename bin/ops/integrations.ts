import { ledgerFault } from '../../ledger/faults.ts'
import type { IntegrationState } from '../../ledger/ledger.ts'
import type { IntegrationsPort } from '../../proxy/ops/ports.ts'
import { INTEGRATION_NAME } from '../config/integrations.ts'
import { isHeld } from '../serve/configured.ts'
import type { Engine } from '../serve/engine.ts'
import { serveFault } from '../serve/faults.ts'

/*
 * Stores address secrets by the integration's name, the sealed one binds each value to it, and fingerprints are made of it. So
 * nothing that the ledger holds can be renamed: it is ended, and begun again by its new name. What may go over is what is kept
 * beside the secrets.
 */
export function makeIntegrationsPort({
  config,
  parts,
  flags,
  enrolments,
  identity,
  stores,
  clock,
}: Engine): IntegrationsPort {
  const stateOf = async (name: string): Promise<IntegrationState | null> =>
    (await parts.ledger.integrations()).find(({ integration }) => integration === name)?.state ?? null

  /** A finalized one answers from new at once by its new name: its secrets must lie there by then. */
  const assertCarried = async (from: string, to: string): Promise<void> => {
    const side = config.integrations[from]?.new
    const store = side === undefined ? undefined : stores.all.get(side)
    if (store === undefined) throw refused(`${from} is finalized: ask a replica that has it configured`)
    const page = await store.scan(to, { after: null, limit: 1 }, { deadline: clock.monotonic() + LOOK_MS })
    if (page.kind === 'error') throw refused(`store ${store.name} does not say what it holds of ${to}: ${page.reason}`)
    if (page.entries.length === 0)
      throw refused(
        `${from} is finalized, and store ${store.name} holds nothing of ${to}: carry its secrets over first`,
      )
  }

  return {
    list: async () => {
      const [rows, recorded] = await Promise.all([parts.ledger.integrations(), enrolments.all()])
      const states = new Map(rows.map(({ integration, state }) => [integration, state]))
      const names = [...new Set([...Object.keys(config.integrations), ...states.keys()])].sort()
      return names.map((integration) => {
        const was = recorded.get(integration)
        return {
          integration,
          state: states.get(integration) ?? 'bare',
          configured: Object.hasOwn(config.integrations, integration),
          enrolled_with: was === undefined ? null : { legacy: was.legacy.shown, new: was.new.shown, value: was.value },
        }
      })
    },
    rename: async ({ integration, to, execute, reason = null }, by) => {
      if (!INTEGRATION_NAME.test(to) || to === integration) throw refused(`${to} is no new name of an integration`)
      const state = await stateOf(integration)
      if (state === null && !Object.hasOwn(config.integrations, integration))
        throw serveFault('not-configured', `integration ${integration}; the ledger does not know it either`)
      if (state !== null && isHeld(state)) throw bound(integration, to, state)
      const taken = await stateOf(to)
      if (taken !== null && taken !== 'bare') throw refused(`the ledger knows ${to}: it is ${taken}`)
      const kept_by = [...(await identity.servedBy(integration))]
      if (state === 'finalized') {
        const early = await identity.servedBy(to)
        if (early.length > 0)
          throw refused(
            `${early.join(', ')} would change sides under clients of ${to}: rename first, configure ${to} then`,
          )
        await assertCarried(integration, to)
      }
      const caps = flags.storedCaps.list().filter((cap) => cap.integration === integration).length
      if (!execute) return { executed: false, state: state ?? 'bare', caps, kept_by }
      const done = await enrolments.rename(integration, to, { keeps: kept_by.length > 0, note: { actor: by, reason } })
      if ('refused' in done)
        throw done.refused === 'held'
          ? bound(integration, to, done.state)
          : refused(`the ledger knows ${to}: it is ${done.state}`)
      return { executed: true, state: done.state, caps: done.caps, kept_by }
    },
  }
}

const LOOK_MS = 2000

const refused = (why: string) => ledgerFault('rename-refused', why)

const bound = (from: string, to: string, state: IntegrationState) =>
  refused(
    `${from} is ${state}: its secrets lie in both stores by that name, and are sealed and fingerprinted with it. End it: crossfade abandon ${from}; carry legacy's secrets over to ${to}, configure ${to} in its place, and crossfade migrate ${to}`,
  )
