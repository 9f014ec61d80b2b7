import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PROJECT } from '../../support/project.ts'

/** A second machine on the same ledger, of two workers, as `crossfade serve` starts it. */
export interface Machine {
  readonly clients: string
  readonly operators: string
  stop(): Promise<void>
}

export const WORKERS = 2

export async function startMachine(config: string): Promise<Machine> {
  const args = [
    join(PROJECT, 'bin', 'crossfade.js'),
    'serve',
    '--config',
    config,
    '--workers',
    String(WORKERS),
    '--json',
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
  })
  const exited = once(child, 'exit')
  const failed = exited.then(([code]) =>
    Promise.reject(new Error(`the machine ended with ${code}: ${said.slice(-2000)}`)),
  )
  // Once it serves, its end is no failure.
  failed.catch(() => undefined)
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), failed])) as [string]
  const { serving } = JSON.parse(line) as { readonly serving: { readonly clients: string; readonly operators: string } }
  return {
    ...serving,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}
