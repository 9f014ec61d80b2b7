import type { OpsClient } from '../../bin/cli/ops-client.ts'

/** How the run of the integration ended, as soon as it has; undefined: there is none. */
export async function outcomeOf(ops: OpsClient, integration: string): Promise<string | undefined> {
  for (;;) {
    const { run } = await ops.call('progress', { params: { integration } })
    if (run === null || run.ended_at !== null) return run?.outcome
    await new Promise((resolve) => setImmediate(resolve))
  }
}
