import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { freePort } from '../../bin/embedded/free-port.ts'

/** A Redis of the test's own, without persistence; ended after the test. */
export interface PrivateRedis {
  readonly port: number
  readonly url: string
  /** By SIGKILL: nobody is told. */
  kill(): Promise<void>
  /** Again, on the same port. */
  start(): Promise<void>
  /** Connections stay open and nothing is answered. */
  freeze(): void
  thaw(): void
}

export async function privateRedis(t: TestContext, program: string, password?: string): Promise<PrivateRedis> {
  const port = await freePort()
  const start = () => launch(program, port, password)
  let child = await start()
  t.after(() => end(child))
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    kill: () => end(child),
    start: async () => {
      child = await start()
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  }
}

async function launch(program: string, port: number, password: string | undefined): Promise<ChildProcess> {
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const secured = password === undefined ? [] : ['--requirepass', password]
  const child = spawn(program, [...settings, ...secured], { stdio: ['ignore', 'pipe', 'inherit'] })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) => {
    if (line.includes('Ready to accept connections')) resolve()
  })
  child.once('error', reject)
  child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)))
  await promise
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
