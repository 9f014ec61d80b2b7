import { THROTTLE_WORDS } from '../../migrator/pace/pace.ts'
import type { ShownPace } from '../../proxy/ops/pace.ts'
import type { PacePort } from '../../proxy/ops/ports.ts'
import type { Engine } from '../serve/engine.ts'
import { select } from './select.ts'

export function makePacePort(engine: Engine): PacePort {
  const { config, pace, paceRecords } = engine
  const show = (selector: string): readonly ShownPace[] =>
    select(config, selector).map((integration) => ({
      integration,
      ...pace.settings(integration),
      now: nowOf(engine, integration),
    }))
  return {
    pace: async (selector) => show(selector),
    set: async ({ selector, reason = null, ...change }, by) => {
      const asked = Object.entries(change).filter(([, value]) => value !== undefined)
      if (asked.length > 0) {
        await paceRecords.set(select(config, selector), Object.fromEntries(asked), { actor: by, reason })
        await pace.follow('now')
      }
      return show(selector)
    },
  }
}

function nowOf({ pace }: Engine, integration: string): ShownPace['now'] {
  const lane = pace.paces.lanes.get(integration)
  if (lane === undefined || !pace.paces.isBusy(integration)) return null
  const by = pace.paces.throttledBy(integration)
  const rate = pace.rate(integration)
  return { rate, passes: lane.passes, throttled_by: by === null ? null : THROTTLE_WORDS[by] }
}
