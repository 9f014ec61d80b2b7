import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { freePort } from '../../bin/embedded/free-port.ts'
import { needs } from './parts.ts'

/*
 * The real OpenBao, in memory and unsealed, one for each test file that asks: `const bao = useBao()` at its top, then
 * `test(name, { skip: bao.skip }, ...)` and `await bao.server()`. It is started by the first test that wants it, and
 * stopped after the last.
 */

const PART = needs('bao')
const ROOT_TOKEN = 'root'

export interface Bao {
  readonly url: string
  readonly port: number
  readonly rootToken: string
  /** One request as root; rejects unless it is answered with 2xx. `data`, else `auth`, of the answer. */
  ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
  /** A secrets engine at a path of its own, which is returned. */
  mount(type: 'kv' | 'transit', options?: Readonly<Record<string, string>>): Promise<string>
  /** An auth method at a path of its own, which is returned. */
  enableAuth(type: 'approle' | 'kubernetes'): Promise<string>
  /** Ends every answer but a 503 until `unseal`. */
  seal(): Promise<void>
  unseal(): Promise<void>
  /** A token with a policy of its own. */
  token(policy: string, options?: Readonly<Record<string, unknown>>): Promise<string>
}

export interface BaoPart {
  readonly skip: string | false
  server(): Promise<Bao>
}

export function useBao(): BaoPart {
  let running: Promise<Running> | null = null
  after(async () => (await running)?.stop())
  return {
    skip: PART.skip,
    server: async () => {
      running ??= startBao()
      return (await running).bao
    },
  }
}

export interface Running {
  readonly bao: Bao
  stop(): Promise<void>
}

/** One of one's own, for a program that is no test file. */
export async function startBao(): Promise<Running> {
  if (PART.skip !== false) throw new Error(PART.skip)
  const home = await mkdtemp(join(tmpdir(), 'crossfade-bao-'))
  const port = await freePort()
  const child = spawn(
    PART.path,
    [
      'server',
      '-dev',
      `-dev-root-token-id=${ROOT_TOKEN}`,
      `-dev-listen-address=127.0.0.1:${port}`,
      '-dev-no-store-token',
    ],
    { env: { HOME: home, PATH: process.env['PATH'] ?? '' }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  // A test process that dies must not leave it behind.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const unsealKey = await untilStarted(child)
  return {
    bao: makeBao(port, unsealKey),
    stop: async () => {
      process.off('exit', kill)
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** Gives the key that unseals it, said when everything is mounted; if it ends before, that is what it said last. */
function untilStarted(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let said = ''
  const hear = (chunk: Buffer): void => {
    said = (said + chunk.toString('utf8')).slice(-20_000)
    const [, key] = /Unseal Key: (\S+).*Development mode should NOT be used/s.exec(said) ?? []
    if (key !== undefined) resolve(key)
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  child.once('exit', (code) => reject(new Error(`bao ended with ${code}: ${said.slice(-1000)}`)))
  return promise
}

function makeBao(port: number, unsealKey: string): Bao {
  const url = `http://127.0.0.1:${port}`
  let count = 0
  const ask: Bao['ask'] = async (method, path, body) => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': ROOT_TOKEN, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    const { data, auth } = (text === '' ? {} : JSON.parse(text)) as { data?: unknown; auth?: unknown }
    return (data ?? auth ?? {}) as Record<string, unknown>
  }
  return {
    url,
    port,
    rootToken: ROOT_TOKEN,
    ask,
    mount: async (type, options) => {
      const path = `${type}-${count++}`
      await ask('POST', `sys/mounts/${path}`, { type, ...(options && { options }) })
      return path
    },
    enableAuth: async (type) => {
      const path = `${type}-${count++}`
      await ask('POST', `sys/auth/${path}`, { type })
      return path
    },
    seal: async () => {
      await ask('POST', 'sys/seal')
    },
    unseal: async () => {
      await ask('POST', 'sys/unseal', { key: unsealKey })
    },
    token: async (policy, options = {}) => {
      const name = `policy-${count++}`
      await ask('POST', `sys/policies/acl/${name}`, { policy })
      const { client_token } = await ask('POST', 'auth/token/create', { policies: [name], ...options })
      return client_token as string
    },
  }
}
