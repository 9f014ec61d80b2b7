import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { makeSecretsClient, type SecretsClient } from '../../bin/cli/secrets-client.ts'
import { makeTally, type Tally } from './tally.ts'

/** One proxy process, which may be killed, stopped and started again on its own ports. */
export interface ReplicaProcess {
  readonly name: string
  readonly config: string
  readonly flags: string
  readonly secrets: SecretsClient
  readonly ops: OpsClient
  /** Its counters, summed over all of its lives. */
  readonly tally: Tally
  readonly state: 'down' | 'up' | 'stopped'
  /** Resolves when it serves. */
  start(): Promise<void>
  kill(): Promise<void>
  freeze(): void
  thaw(): void
  /** SIGTERM; rejects if it does not end cleanly. */
  stop(): Promise<void>
}

export interface ReplicaOptions {
  readonly name: string
  /** The program and its arguments before `--config`. */
  readonly program: readonly string[]
  readonly config: string
  readonly flags: string
  readonly clients: string
  readonly operators: string
  readonly tokens: { readonly client: string; readonly operator: string }
  /** Everything it writes, over all of its lives. */
  readonly log: string
}

const READY_MS = 30_000
const STOP_MS = 20_000

export function makeReplicaProcess(options: ReplicaOptions): ReplicaProcess {
  const { name, config, flags, tokens } = options
  const log = createWriteStream(options.log, { flags: 'a' })
  const tally = makeTally(`${options.operators}/metrics`)
  let child: ChildProcess | null = null
  let state: ReplicaProcess['state'] = 'down'
  process.once('exit', () => child?.kill('SIGKILL'))

  const endBy = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child === null) return 0
    const ending = child
    const exited = ending.exitCode === null && ending.signalCode === null ? once(ending, 'exit') : null
    state = 'down'
    child = null
    ending.kill(signal)
    await exited
    return ending.exitCode
  }
  return {
    name,
    config,
    flags,
    tally,
    secrets: makeSecretsClient(makeSend({ url: options.clients, token: tokens.client })),
    ops: makeOpsClient(makeSend({ url: options.operators, token: tokens.operator })),
    get state() {
      return state
    },
    start: async () => {
      log.write(`--- start ${new Date().toISOString()}\n`)
      child = spawn(process.execPath, [...options.program, '--config', config, '--json'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child.stderr?.pipe(log, { end: false })
      await ready(child, name)
      state = 'up'
    },
    kill: async () => {
      await tally.look()
      await endBy('SIGKILL')
      tally.seal()
    },
    freeze: () => {
      child?.kill('SIGSTOP')
      state = 'stopped'
    },
    thaw: () => {
      child?.kill('SIGCONT')
      state = 'up'
    },
    stop: async () => {
      const late = setTimeout(() => void endBy('SIGKILL'), STOP_MS)
      const ending = child
      const code = await endBy('SIGTERM')
      clearTimeout(late)
      ending?.kill('SIGKILL')
      log.end()
      if (code !== 0 && code !== 130) throw new Error(`${name} ended with ${code}`)
    },
  }
}

/** Resolves at its first line of output, which says that it serves. */
async function ready(child: ChildProcess, name: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const limit = setTimeout(() => reject(new Error(`${name} was not ready after ${READY_MS} ms`)), READY_MS)
  createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) => {
    if (line.startsWith('{"serving"')) resolve()
  })
  const ended = (code: number | null): void => reject(new Error(`${name} ended with ${code} before it served`))
  child.once('error', reject)
  child.once('exit', ended)
  try {
    await promise
  } finally {
    clearTimeout(limit)
  }
}
