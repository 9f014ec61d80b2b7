import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

/** A Node process that the bench started. */
export interface Started<T> {
  readonly ready: T
  readonly pid: number
  /** SIGTERM, then waits; SIGKILL after ten seconds. Idempotent. */
  stop(): Promise<void>
}

interface StartOptions<T> {
  readonly argv: readonly string[]
  /** Called for each line of its output until it answers something. */
  readonly ready: (line: string) => T | null
  readonly signal: AbortSignal
}

const KEPT_LINES = 20
const STOP_MS = 10_000

/** Starts `node argv...`; resolves when it says that it is ready, rejects with its last lines if it ends before. */
export const startNode = async <T>({ argv, ready, signal }: StartOptions<T>): Promise<Started<T>> => {
  const child = spawn(process.execPath, [...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = (): Promise<void> => stopChild(child)
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const last: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      last.push(line)
      if (last.length > KEPT_LINES) last.shift()
      const answer = ready(line)
      if (answer !== null) resolve(answer)
    })
  }
  child.once('error', reject)
  child.once('close', (code) => reject(new Error(`${argv.join(' ')} ended with ${code}\n${last.join('\n')}`)))
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return { ready: await promise, pid: child.pid as number, stop }
  } catch (error) {
    await stop()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Runs `node argv...` to its end; the last line of its output, or a rejection with what it said. */
export const runNode = async (argv: readonly string[], signal: AbortSignal): Promise<string> => {
  const child = spawn(process.execPath, [...argv], { stdio: ['ignore', 'pipe', 'pipe'], signal })
  const [out, said] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (child.exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${child.exitCode}\n${said}`)
  return out.trimEnd().split('\n').at(-1) ?? ''
}

const stopChild = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  const waiting = new AbortController()
  const late = delay(STOP_MS, 'late', { signal: waiting.signal }).catch(() => 'stopped')
  const ended = await Promise.race([closed, late])
  waiting.abort()
  if (ended === 'late') {
    child.kill('SIGKILL')
    await closed
  }
}
