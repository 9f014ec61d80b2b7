import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { makeUnleashAdmin, type UnleashAdmin } from './unleash-admin.ts'
import type { UnleashOrder, UnleashReport } from './unleash-process.ts'

/** The two environments that a new server has. */
export type UnleashEnvironment = 'development' | 'production'

/** A real Unleash server on a database of its own; about 5 s to start, so a suite shares one among its subtests. */
export interface UnleashServer {
  /** http://127.0.0.1:port; the same after a restart. */
  readonly origin: string
  /** What `flags.url` and the client take. */
  readonly url: string
  readonly adminToken: string
  /** Of an environment's backend, as Crossfade has one. */
  clientToken(environment: UnleashEnvironment): string
  /** Makes and changes flags. */
  readonly admin: UnleashAdmin
  /** Kills it; its connections are reset, its database stays. */
  stop(): Promise<void>
  /** Starts it again on the same port and database; nothing if it runs. */
  start(): Promise<void>
}

/** Named by constraints and stickiness; a server accepts only fields that it knows as sticky. */
const CONTEXT_FIELDS = ['customerId', 'cohort', 'integration'] as const

/** On a database of its own; whoever opens it stops it. */
export async function openUnleash(databaseUrl: string): Promise<UnleashServer> {
  let child: ChildProcess | null = null
  const stop = async (): Promise<void> => {
    if (child !== null) await end(child)
    child = null
  }
  const key = randomBytes(16).toString('hex')
  const adminToken = `*:*.${key}`
  const clientToken = (environment: UnleashEnvironment): string => `*:${environment}.${key}`
  const tokens: UnleashOrder['tokens'] = [
    { tokenName: 'admin', secret: adminToken, type: 'admin', environment: '*' },
    ...(['development', 'production'] as const).map((environment) => ({
      tokenName: environment,
      secret: clientToken(environment),
      type: 'backend' as const,
      environment,
    })),
  ]
  let port = 0
  const start = async (): Promise<void> => {
    if (child !== null) return
    child = fork(CHILD, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: ['--no-deprecation'] })
    port = await ordered(child, { databaseUrl, port, tokens })
  }
  await start()
  const origin = `http://127.0.0.1:${port}`
  const admin = makeUnleashAdmin(origin, adminToken)
  for (const name of CONTEXT_FIELDS) await admin.addContextField(name)
  return { origin, url: `${origin}/api`, adminToken, clientToken, admin, stop, start }
}

const CHILD = fileURLToPath(new URL('unleash-process.ts', import.meta.url))

async function ordered(child: ChildProcess, order: UnleashOrder): Promise<number> {
  child.send(order)
  const ended = once(child, 'exit').then(([code]): UnleashReport => ({ error: `it ended with ${code}` }))
  const answered = once(child, 'message').then(([report]) => report as UnleashReport)
  const report = await Promise.race([answered, ended])
  if ('port' in report) return report.port
  throw new Error(`unleash-server did not start: ${report.error}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
