import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { startCrossfade } from '../../bin/run-crossfade.ts'
import type { Home } from './home.ts'

/** A proxy as a process of its own. */
export interface ServeProcess {
  readonly child: ChildProcessWithoutNullStreams
  readonly clients: string
  readonly operators: string
  /** Everything that it said on standard error so far. */
  said(): string
  /** Its exit code; resolves when it has ended, by whatever. */
  readonly ended: Promise<number | null>
}

/** The real program on the configuration of a home; killed after the test. Rejects if it ends before it serves. */
export async function serveProcess(t: TestContext, home: Home, ...argv: readonly string[]): Promise<ServeProcess> {
  const child = startCrossfade(['serve', '--config', home.config, '--json', ...argv], home.folder)
  t.after(() => void child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const early = ended.then((code): never => {
    throw new Error(`it ended with ${code}: ${said}`)
  })
  const line = once(createInterface({ input: child.stdout }), 'line')
  const [text] = (await Promise.race([line, early])) as [string]
  early.catch(() => undefined)
  const { serving } = JSON.parse(text) as { serving: { clients: string; operators: string } }
  return { child, ...serving, said: () => said, ended }
}

/** Whether a process of this id is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
