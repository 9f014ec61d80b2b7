import type { IntegrationRow } from '../../ledger/ledger.ts'
import type { RegisteredReplica } from '../../ledger/postgres/replicas.ts'
import type { ReplicasPort } from '../../proxy/ops/ports.ts'
import type { ShownReplica } from '../../proxy/ops/replicas.ts'
import type { Engine } from '../serve/engine.ts'
import { serveFault } from '../serve/faults.ts'

/** ms without a lease and without a sign of life after which a process is taken for gone; the ledger uses the same. */
const SILENCE = 5000

/** Who is registered, and what each waits for; a dead process is counted out here, so that no barrier waits for it. */
export function makeReplicasPort({ parts, identity, journal }: Engine): ReplicasPort {
  const list = async (): Promise<readonly ShownReplica[]> => {
    const [rows, integrations, differing] = await Promise.all([
      parts.replicas.registered(),
      parts.ledger.integrations(),
      identity.differing(),
    ])
    return rows
      .map((row) => show(row, integrations, differing, parts.id))
      .sort((a, b) => a.name.localeCompare(b.name, 'en'))
  }
  return {
    list,
    forget: async ({ name, reason, execute }, by) => {
      const replica = (await list()).find((candidate) => candidate.name === name)
      if (replica === undefined) throw serveFault('replica-unknown', name)
      if (replica.state !== 'gone') throw alive(name)
      if (!execute) return { executed: false, replica }
      const outcome = await parts.forgetting.forget(name)
      if (outcome === 'alive') throw alive(name)
      if (outcome === 'unknown') throw serveFault('replica-unknown', name)
      await journal.append({
        kind: 'replica-forgotten',
        integration: null,
        actor: by,
        detail: { replica: name, reason: reason ?? null },
      })
      return { executed: true, replica }
    },
  }
}

const alive = (name: string) => serveFault('replica-alive', name)

const show = (
  { id, name, live, silentFor = 0, applied }: RegisteredReplica,
  integrations: readonly IntegrationRow[],
  differing: ReadonlyMap<string, readonly string[]>,
  self: string,
): ShownReplica => ({
  name,
  state: live ? 'live' : silentFor < SILENCE ? 'deaf' : 'gone',
  silent_seconds: Math.floor(silentFor / 1000),
  behind: integrations.filter((row) => (applied[row.integration] ?? 0) < row.epoch).map((row) => row.integration),
  differs: [...(differing.get(name) ?? [])],
  self: id === self,
})
