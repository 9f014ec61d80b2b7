import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { makeAdminDesk } from '../../../flags/admin/admin-desk.ts'
import { type AdminApi, makeAdminApi } from '../../../flags/admin/api.ts'
import { flagName } from '../../../flags/definition.ts'
import { compileFlag, makeEngine } from '../../../flags/engine.ts'
import { parseSnapshot, readFlag } from '../../../flags/snapshot.ts'
import type { UnleashServer } from '../../support/unleash-server.ts'

const COHORTS = ['dogfood', 'pilot', 'general']
const CUSTOMERS = Array.from({ length: 60 }, (_, index) => `customer-${index}`)
const engine = makeEngine()

/** A file that only its owner may read. */
export function tokenFile(t: TestContext, token: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-admin-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'token')
  writeFileSync(path, `${token}\n`)
  chmodSync(path, 0o600)
  return path
}

export const adminApi = (t: TestContext, server: UnleashServer, token = server.adminToken): AdminApi =>
  makeAdminApi({
    url: server.url,
    tokenFile: tokenFile(t, token),
    project: 'default',
    environment: 'development',
  })

export const adminDesk = (api: AdminApi, batch = 100) => {
  const pauses: number[] = []
  const pause = async () => {
    pauses.push(pauses.length)
  }
  return { desk: makeAdminDesk({ api, batch, pause }), pauses }
}

/** A token of the human `admin`, as Unleash makes them on its own pages. */
export async function personalToken(server: UnleashServer): Promise<string> {
  const login = await fetch(`${server.origin}/auth/simple/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: 'unleash4all' }),
  })
  // express-session holds the last byte of the body back until the session is stored: headers alone come too early.
  await login.arrayBuffer()
  const cookie = login.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const made = await fetch(`${server.origin}/api/admin/user/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify({ description: randomUUID(), expiresAt: new Date(Date.now() + 86_400_000).toISOString() }),
  })
  const { secret } = (await made.json()) as { secret?: string }
  if (!secret?.startsWith('user:'))
    throw new Error(`the server made no personal token: ${made.status}, login ${login.status}`)
  return secret
}

/**
 * What every customer would run by the server's answer to clients at this moment: one letter each; `?` where no strategy
 * matches, and one word where the flag itself does not answer. The server keeps answers by their query for up to a second,
 * so each look asks for another prefix of the name.
 */
export function clientsView(server: UnleashServer, integration: string) {
  const name = flagName(integration)
  let looks = 0
  return async (): Promise<string> => {
    looks += 1
    // The server remembers its answer to each prefix for up to a second: one that other tests ask for, too, may be old.
    const shared = name.length - integration.length
    const prefix = name.slice(0, shared + 1 + (looks % integration.length))
    const response = await fetch(`${server.url}/client/features?namePrefix=${prefix}`, {
      headers: { authorization: server.clientToken('development'), 'unleash-client-spec': '5.2.0' },
    })
    const answer = parseSnapshot(await response.json(), 'development')
    if (answer.kind === 'refused') return answer.detail
    const reading = readFlag(answer.snapshot, integration)
    if (reading.kind !== 'present') return reading.kind
    const compiled = compileFlag(reading.definition)
    const phases = COHORTS.flatMap((cohort) =>
      CUSTOMERS.map((customerId) => {
        const evaluation = engine.evaluate(compiled, { customerId, cohort, integration }, Date.now())
        return evaluation.kind === 'phase' ? evaluation.phase[0] : '?'
      }),
    )
    return phases.join('')
  }
}

const WRITES = [
  'makeFlag',
  'importFlag',
  'patchFlag',
  'clearVariants',
  'removeParents',
  'switchTo',
  'addStrategy',
  'changeStrategy',
  'removeStrategy',
  'orderStrategies',
] as const satisfies readonly (keyof AdminApi)[]

/** The same API; `after` is awaited after each call that changes a flag, and may end the writer by rejecting. */
export const watched = (api: AdminApi, after: (call: string) => Promise<void>): AdminApi => {
  const wrapped = WRITES.map((call) => {
    const original = api[call] as (...given: unknown[]) => Promise<unknown>
    const then = async (...given: unknown[]): Promise<unknown> => {
      const answer = await original(...given)
      await after(call)
      return answer
    }
    return [call, then]
  })
  return { ...api, ...Object.fromEntries(wrapped) }
}
