import type { StoredEvent } from '../../ledger/postgres/journal.ts'
import type { RegisteredReplica } from '../../ledger/postgres/replicas.ts'
import { ORDERS, RUN_KINDS } from '../../migrator/stages.ts'
import type { EventsPort } from '../../proxy/ops/ports.ts'
import type { OpsEvent } from '../../proxy/ops/work.ts'
import { CAPS_KEY } from '../serve/cap-reach.ts'
import type { Engine } from '../serve/engine.ts'
import { GATES_KEY } from '../serve/gates.ts'
import { nextOf } from './findings.ts'
import { select } from './select.ts'

/** Where an event keeps the revision that has its change, and where replicas record which one they run. */
const FOLLOWED = [
  { field: 'gates_revision', key: GATES_KEY },
  { field: 'caps_revision', key: CAPS_KEY },
] as const

export function makeEventsPort({ config, journal, parts }: Engine): EventsPort {
  return {
    events: async ({ selector, limit, after, since }) => {
      const names = select(config, selector)
      const found =
        since === undefined ? await journal.list(names, limit, after) : await journal.since(names, limit, since)
      const live = (await parts.replicas.registered()).filter((replica) => replica.live)
      return { events: found.map((event) => show(event, live)), next: nextOf(found, limit, ({ id }) => id) }
    },
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const show = (
  { id, at, kind, integration, actor, detail }: StoredEvent,
  live: readonly RegisteredReplica[],
): OpsEvent => ({
  id,
  at,
  kind,
  integration,
  cohort: text(detail['cohort']),
  from: text(detail['from']),
  to: text(detail['to']),
  run: kind.startsWith('run-') ? runOf(detail) : null,
  by: actor,
  reason: text(detail['reason']) ?? text(detail['message']),
  applied: appliedBy(detail, live),
})

/** `migrate`, `migrate inventory` where it has not all stages of its kind, `migrate: done` at its end. */
function runOf({ what, stages, outcome }: StoredEvent['detail']): string | null {
  const kind = RUN_KINDS.find((candidate) => candidate === what)
  if (kind === undefined) return text(what)
  const some = Array.isArray(stages) && stages.join() !== ORDERS[kind].stages.join()
  const whole = some ? `${kind} ${stages.join(', ')}` : kind
  return typeof outcome === 'string' ? `${whole}: ${outcome}` : whole
}

function appliedBy(detail: StoredEvent['detail'], live: readonly RegisteredReplica[]): OpsEvent['applied'] {
  for (const { field, key } of FOLLOWED) {
    const revision = detail[field]
    if (typeof revision !== 'number') continue
    return { replicas: live.filter(({ applied }) => (applied[key] ?? -1) >= revision).length, of: live.length }
  }
  return null
}
