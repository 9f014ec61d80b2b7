import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from '../../core/fault.ts'
import { embeddedFault } from './faults.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import type { PostgresUser } from './postgres-user.ts'

export interface ServerOptions {
  readonly binaries: PostgresBinaries
  readonly user: PostgresUser
  readonly pgdata: string
  readonly port: number
  readonly log: (line: string) => void
  readonly fast?: boolean
}

export interface RunningServer {
  readonly pid: number
  readonly port: number
  readonly exited: Promise<void>
  stop(): Promise<void>
}

/** Recovery after a crash replays the log first; longer than this means that something is wrong. */
const START_LIMIT_MS = 120_000
/** A fast shutdown writes a checkpoint; past each limit the next signal is sent. */
const STOP_STEPS = [
  { signal: 'SIGINT', limit: 20_000 },
  { signal: 'SIGQUIT', limit: 5_000 },
  { signal: 'SIGKILL', limit: 5_000 },
] as const

/** Statements, parameters and rows stay out of the log: any of them may hold a value of a secret. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  log_parameter_max_length_on_error: '0',
  log_statement: 'none',
  lc_messages: 'C',
  max_connections: '200',
  shared_buffers: '64MB',
} as const

const FAST_SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } as const

/** Resolves when the server accepts connections. Afterwards neither server nor watchdog keeps this process alive. */
export async function runServer(options: ServerOptions): Promise<RunningServer> {
  // A session of its own: Ctrl-C in the terminal reaches us alone, and we stop the server after draining.
  const child = spawn(options.binaries.postgres, serverArguments(options), {
    ...options.user,
    cwd: dirname(options.pgdata),
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const exited = new Promise<void>((ended) => child.once('close', () => ended()).once('error', () => ended()))
  const watchdog = child.pid === undefined ? null : watch(child.pid)
  void exited.then(() => watchdog?.kill('SIGKILL'))
  await ready(child, options, exited)
  release(child)
  return { pid: child.pid as number, port: options.port, exited, stop: () => stop(child, exited) }
}

function serverArguments({ pgdata, port, fast }: ServerOptions): string[] {
  const settings = { ...SETTINGS, ...(fast ? FAST_SETTINGS : {}), port: String(port) }
  return ['-D', pgdata, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/**
 * When this process dies, however it dies, the pipe to the watchdog closes, its `read` ends, and it stops the server.
 * Windows has no /bin/sh: there the next start finds the server by its pid file.
 */
function watch(pid: number): ChildProcess | null {
  if (process.platform === 'win32') return null
  const script = 'read -r _; kill -INT "$1" 2>/dev/null'
  const watchdog = spawn('/bin/sh', ['-c', script, 'sh', String(pid)], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watchdog.unref()
  ;(watchdog.stdin as unknown as { unref(): void }).unref()
  // Killed once the server has ended: whatever the pipe says then is of no interest.
  watchdog.stdin?.on('error', () => {})
  return watchdog
}

function ready(child: ChildProcess, options: ServerOptions, exited: Promise<void>): Promise<void> {
  const said: string[] = []
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      void stop(child, exited)
      reject(embeddedFault('embedded-data-unusable', `${options.pgdata}: not ready after ${START_LIMIT_MS / 1000} s`))
    }, START_LIMIT_MS)
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      options.log(line)
      if (said.push(line) > 100) said.shift()
      if (!line.includes('database system is ready to accept connections')) return
      clearTimeout(limit)
      resolve()
    })
    child.once('error', (cause) => said.push(cause.message))
    void exited.then(() => {
      clearTimeout(limit)
      reject(whyItEnded(said, options))
    })
  })
}

/** What PostgreSQL says before it gives up, and what that means to the reader. First match wins. */
const REASONS = [
  { says: /could not bind|Address already in use|could not create any TCP/, code: 'embedded-port-taken' },
  { says: /No space left on device|Disk quota exceeded/, code: 'embedded-disk-full' },
  { says: /lock file ".*postmaster\.pid" already exists/, code: 'embedded-already-running' },
] as const

function whyItEnded(said: readonly string[], options: ServerOptions): Fault {
  const all = said.join('\n')
  const last = said.findLast((line) => /FATAL|PANIC|ERROR/.test(line)) ?? said.at(-1) ?? 'it ended without a word'
  const code = REASONS.find(({ says }) => says.test(all))?.code ?? 'embedded-data-unusable'
  const where = code === 'embedded-port-taken' ? `127.0.0.1:${options.port}` : dirname(options.pgdata)
  return embeddedFault(code, `${where}: ${last.replace(/^.*?(FATAL|PANIC|ERROR):\s*/, '')}`)
}

/** A running server is no reason for a process to stay. */
function release(child: ChildProcess): void {
  child.unref()
  ;(child.stderr as unknown as { unref(): void }).unref()
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.ref()
  for (const { signal, limit } of STOP_STEPS) {
    if (child.exitCode !== null || child.signalCode !== null) break
    child.kill(signal)
    const patience = new AbortController()
    await Promise.race([exited, delay(limit, undefined, { signal: patience.signal }).catch(() => {})])
    patience.abort()
  }
  await exited
}

/**
 * A server whose Crossfade was killed moments ago may still be writing its last checkpoint. The lock is ours, so nobody
 * uses it: stop it and wait for it to go.
 */
export async function stopOrphan(pgdata: string): Promise<void> {
  const pid = postmasterPid(pgdata)
  if (pid === null) return
  process.kill(pid, 'SIGINT')
  const until = performance.now() + STOP_STEPS[0].limit
  while (postmasterPid(pgdata) === pid) {
    if (performance.now() > until) throw embeddedFault('embedded-already-running', `PostgreSQL ${pid}, ${pgdata}`)
    await delay(25)
  }
}

/** The live server of exactly this folder: it made the folder its working directory. */
function postmasterPid(pgdata: string): number | null {
  try {
    const pid = Number(readFileSync(join(pgdata, 'postmaster.pid'), 'utf8').split('\n')[0])
    return readlinkSync(`/proc/${pid}/cwd`) === pgdata ? pid : null
  } catch {
    return null
  }
}
