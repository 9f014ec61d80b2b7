import type { IntegrationRow, IntegrationState } from '../../ledger/ledger.ts'
import type { Stages } from '../../ledger/postgres/stages.ts'
import { enrol } from '../../migrator/enrol.ts'
import { INTEGRATION, type Process, type Surroundings } from './process.ts'
import { connectReplicas } from './sim-ledger.ts'

/** The way into the ledger, by the real code of `enrol`, while every replica looks at the states now and then. */
export async function enrolAll({ world, ledger }: Surroundings, processes: () => readonly Process[]): Promise<void> {
  const replicas = connectReplicas(ledger, world, 'enrol')
  const rows = (): readonly IntegrationRow[] => [...ledger.integrations.values()]
  const stages: Pick<Stages, 'enrol' | 'transition' | 'everyReplica'> = {
    transition: (integration, state: IntegrationState) =>
      world.step('enrol', `${integration} becomes ${state}`, () => {
        const was = ledger.integrations.get(integration) as IntegrationRow
        const row = { ...was, state, epoch: was.epoch + 1 }
        ledger.integrations.set(integration, row)
        return row
      }),
    enrol: (name) => stages.transition(name, 'enrolling'),
    everyReplica: async ({ integration, epoch }) => {
      const behind = async () => (await replicas.registered()).filter((r) => (r.applied[integration] ?? 0) < epoch)
      while ((await behind()).length > 0) {
        for (const { replica } of processes()) void replica.refresh()
        await world.clock('enrol').sleep(50)
      }
    },
  }
  const deps = {
    stages: stages as Stages,
    integrations: () => world.step('enrol', 'reads the integrations', rows),
    clock: world.clock('enrol'),
    patience: Number.POSITIVE_INFINITY,
  }
  await enrol(deps, INTEGRATION, { signal: new AbortController().signal, waiting: () => undefined })
}
