import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { parse, stringify } from 'yaml'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { readToken } from '../../bin/cli/token.ts'
import { freePort } from '../../bin/embedded/free-port.ts'
import { startEmbedded } from '../../bin/embedded/system.ts'
import { startRedis } from '../chaos/redis.ts'
import { PROJECT } from '../support/project.ts'

/** A Crossfade in a process of its own that logs all it can, and everything that is heard of it. */
export interface CanarySystem {
  readonly folder: string
  readonly clients: string
  readonly operators: string
  readonly ops: OpsClient
  readonly tokens: { readonly client: string; readonly operator: string }
  /** What the processes wrote, what Redis was told, what PostgreSQL logged. */
  readonly heard: { stdout: string; stderr: string; redis: string; postgres: string }
  sql(database: 'ledger' | 'legacy' | 'sealed', text: string, values?: readonly unknown[]): Promise<readonly unknown[]>
  redis(command: string): Promise<string>
  start(): Promise<void>
  /** By SIGKILL. */
  crash(): Promise<void>
  stop(): Promise<void>
}

const FRONT_DOOR = join(PROJECT, 'bin', 'crossfade.js')

export async function startCanarySystem(redisProgram: string): Promise<CanarySystem> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-canary-'))
  chmodSync(folder, 0o711)
  const heard = { stdout: '', stderr: '', redis: '', postgres: '' }
  const listen = { clients: `127.0.0.1:${await freePort()}`, operators: `127.0.0.1:${await freePort()}` }
  const embedded = await startEmbedded({
    dataDir: folder,
    listen,
    sample: { secrets: 150 },
    log: (line) => {
      heard.postgres += `${line}\n`
    },
  })
  const redis = await startRedis(redisProgram)
  const monitor = connect(redis.port, '127.0.0.1')
  monitor.on('data', (chunk) => {
    heard.redis += chunk
  })
  monitor.on('error', () => undefined)
  monitor.write('MONITOR\r\n')

  const config = join(folder, 'canary.yaml')
  const written = parse(readFileSync(embedded.paths.config, 'utf8'))
  const bus = { url: `redis://127.0.0.1:${redis.port}` }
  writeFileSync(config, stringify({ ...written, bus, gates: {} }), { mode: 0o600 })
  const tokens = {
    client: readToken(embedded.paths.tokenFiles.client),
    operator: readToken(embedded.paths.tokenFiles.operator),
  }
  const [clients, operators] = [`http://${listen.clients}`, `http://${listen.operators}`]
  let child: ChildProcess | null = null
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  return {
    folder,
    clients,
    operators,
    tokens,
    heard,
    ops: makeOpsClient(makeSend({ url: operators, token: tokens.operator })),
    sql: async (database, text, values = []) => {
      const client = new pg.Client({ connectionString: embedded.postgres.url(database) })
      await client.connect()
      try {
        return (await client.query(text, [...values])).rows
      } finally {
        await client.end()
      }
    },
    redis: (command) => askRedis(redis.port, command),
    start: async () => {
      const env = { ...process.env, CROSSFADE_LOG: 'trace' }
      const started = spawn(process.execPath, [FRONT_DOOR, 'serve', '--config', config, '--json'], { cwd: folder, env })
      child = started
      started.stderr.on('data', (chunk) => {
        heard.stderr += chunk
      })
      const ended = once(started, 'exit').then(([code]) =>
        Promise.reject(new Error(`ended with ${code}: ${heard.stderr.slice(-2000)}`)),
      )
      const lines = createInterface({ input: started.stdout })
      lines.on('line', (line) => {
        heard.stdout += `${line}\n`
      })
      await Promise.race([once(lines, 'line'), ended])
      ended.catch(() => undefined)
    },
    crash: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGTERM')
      monitor.destroy()
      await redis.stop()
      await embedded.postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One command, and what comes until the connection is idle by its own QUIT. */
async function askRedis(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.write(`${command}\r\nQUIT\r\n`)
  await once(socket, 'close')
  return answer
}
