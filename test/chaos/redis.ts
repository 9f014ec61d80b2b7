import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { freePort } from '../../bin/embedded/free-port.ts'

/** A private Redis without persistence: what it forgets at a restart, it forgets. */
export interface RedisServer {
  readonly port: number
  /** Ends it and starts it again on the same port. */
  restart(pause: () => Promise<void>): Promise<void>
  stop(): Promise<void>
}

export async function startRedis(program: string): Promise<RedisServer> {
  const port = await freePort()
  let child = await launch(program, port)
  process.once('exit', () => child.kill('SIGKILL'))
  return {
    port,
    restart: async (pause) => {
      await end(child)
      await pause()
      child = await launch(program, port)
    },
    stop: () => end(child),
  }
}

async function launch(program: string, port: number): Promise<ChildProcess> {
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(program, settings, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  lines.on('line', (line) => {
    if (line.includes('Ready to accept connections')) resolve()
  })
  child.once('error', reject)
  child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)))
  await promise
  return child
}

/** By SIGKILL: nothing in it is worth keeping, and its clients shall not be told. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
