import type { TestContext } from 'node:test'
import type { Phase } from '../../flags/phase.ts'
import { startCrossfade } from '../bin/run-crossfade.ts'
import type { System } from './replicas.ts'

/** One more replica as a process of its own, which serves when this resolves, and ends with the test. */
export async function startProcess(
  t: TestContext,
  system: System,
  name: string,
  phase: Phase,
  argv: readonly string[] = [],
) {
  const { config, clients, operators } = await system.configure(name, phase)
  const child = startCrossfade(['serve', '--config', config, '--json', ...argv], process.cwd())
  t.after(() => child.kill('SIGKILL'))
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
  })
  return { child, ...system.connect(clients, operators) }
}
