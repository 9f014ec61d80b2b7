import type { WorkersPort } from '../../proxy/ops/ports.ts'
import type { Engine } from '../serve/engine.ts'

/** Who works on runs and debts. One that died stays in the list until another one buries it, within its lease. */
export const makeWorkersPort = ({ work }: Engine): WorkersPort => ({
  list: async () =>
    (await work.registry.list()).map(({ name, kind, live, silentFor, startedAt, runs }) => ({
      name,
      kind,
      state: live ? 'live' : 'gone',
      silent_seconds: Math.floor(silentFor / 1000),
      started_at: new Date(startedAt).toISOString(),
      runs: [...runs],
    })),
})
