import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { Pool } from 'undici'
import type { AuditEntry } from '../../../access/audit.ts'
import type { Address } from '../../../backends/secret.ts'
import { ANY } from '../../../backends/store.ts'
import { makeClientsApp } from '../../../proxy/http/clients.ts'
import { pathOf } from '../../../proxy/http/path.ts'
import { makeProxyMetrics } from '../../../proxy/metrics.ts'
import { call } from '../../backends/checks/check.ts'
import { INTEGRATION, secretOf, withCore } from '../core/with-core.ts'
import { withAccess } from './with-access.ts'

/*
 * Whatever a client sends, what reaches the store is the address that was authorised and recorded, or nothing. The client's
 * token is bound to one customer; the neighbour's secrets lie beside its own, under every name that a path could be
 * confused with.
 */
const CANARY = 'canary of the neighbour'
const OWN: Address = { integration: INTEGRATION, customer: 'c1', name: 'token' }
const NEIGHBOURS = ['c2', 'C1', 'c1 ', 'c1.', '..', 'c1/../c2', 'c1%2Fc2', 'c1\\c2', 'c1;c2', 'c1\u0000', 'é']

async function withNeighbours(t: TestContext) {
  const core = await withCore(t, { enrolled: false })
  const access = withAccess()
  const { legacy } = core.stores
  for (const customer of NEIGHBOURS)
    for (const name of ['token', 'c1/token', '../c1/token', '..'])
      await legacy.put({ ...OWN, customer, name }, secretOf(CANARY), ANY, call())
  await legacy.put(OWN, secretOf('own'), ANY, call())
  const reached: Pick<Address, 'integration' | 'customer'>[] = []
  const note = async (address: Address): Promise<void> => void reached.push(address)
  legacy.beforeRead(note)
  legacy.beforeWrite(note)
  const { scan } = legacy
  Object.assign(legacy, {
    scan: (integration: string, page: { customer?: string }, limits: never) => {
      reached.push({ integration, customer: page.customer ?? 'all of them' })
      return scan(integration, page as never, limits)
    },
  })
  const app = makeClientsApp({
    ...access.deps,
    secrets: core.secrets,
    limits: () => ({ maxSize: 1024 }),
    bodyLimit: 1024,
    phaseOf: () => null,
    metrics: makeProxyMetrics(access.registry),
    document: {},
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  const seen = (): { readonly reached: typeof reached; readonly audited: readonly AuditEntry[] } => ({
    reached: reached.splice(0),
    audited: access.audited.splice(0),
  })
  return { url, token: access.tokenOf('bound'), seen, legacy }
}

const PIECES = [
  ...[
    'c1',
    'c2',
    'token',
    INTEGRATION,
    '/',
    '//',
    '.',
    '..',
    '%2e',
    '%2E%2e',
    '..%2f',
    '%2F',
    '%5c',
    '\\',
    '%00',
    '%0a',
  ],
  ...[
    '%',
    '%25',
    '%252e',
    '%252f',
    ';',
    ';a=b',
    '?',
    '?after=c2',
    '#',
    '@',
    ':',
    '%C3%A9',
    '%c0%ae',
    '%ED%A0%80',
    '+',
    '%20',
    '*',
    '~',
  ],
  ...['/api/v1/secrets/', 'http://127.0.0.1/', pathOf({ ...OWN, customer: 'c2' }), '/../c2/token', '/%2e%2e/c2/token'],
] as const
const paths = fc
  .tuple(
    fc.constantFrom(
      `/api/v1/secrets/${INTEGRATION}/c1`,
      `/api/v1/secrets/${INTEGRATION}`,
      '/api/v1/secrets/',
      '//api/v1/secrets/',
      '/',
    ),
    fc.array(
      fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...PIECES) },
        { weight: 1, arbitrary: fc.string({ maxLength: 3 }) },
      ),
      {
        maxLength: 7,
      },
    ),
  )
  .map(([prefix, parts]) => prefix + parts.join(''))
const methods = fc.constantFrom('GET', 'PUT', 'DELETE', 'HEAD')
const LURES = {
  'x-original-url': pathOf({ ...OWN, customer: 'c2' }),
  'x-rewrite-url': pathOf({ ...OWN, customer: 'c2' }),
  'x-forwarded-prefix': '/api/v1/secrets/aws/c2',
  'x-http-method-override': 'DELETE',
} as const

type World = Awaited<ReturnType<typeof withNeighbours>>

/** Nothing but the caller's own customer was reached, and that only as it was recorded. */
function assertOwn({ seen }: World, answer: string): void {
  const { reached, audited } = seen()
  assert.ok(!answer.includes(CANARY), answer)
  for (const { integration, customer } of reached) assert.deepEqual([integration, customer], [INTEGRATION, 'c1'])
  const recorded = new Set(audited.map(({ name }) => name))
  for (const entry of reached) if ('name' in entry) assert.ok(recorded.has(entry.name as string), String(entry.name))
  assert.ok(audited.every(({ customer }) => customer === 'c1'))
}

test('no path through an HTTP client reaches a store as another customer', async (t) => {
  const world = await withNeighbours(t)
  const pool = new Pool(world.url, { connections: 1 })
  t.after(() => pool.close())
  const statuses = new Set<number>()
  await fc.assert(
    fc.asyncProperty(paths, methods, async (path, method) => {
      const headers = { authorization: `Bearer ${world.token}`, ...LURES }
      try {
        const response = await pool.request({ path, method, headers, ...(method === 'PUT' ? { body: 'mine' } : {}) })
        statuses.add(response.statusCode)
        assertOwn(world, await response.body.text())
      } catch (error) {
        // The client itself refuses characters that no request line may hold.
        if ((error as { code?: string }).code !== 'UND_ERR_INVALID_ARG') throw error
      }
    }),
    { numRuns: 600 },
  )
  for (const status of [400, 403, 404]) assert.ok(statuses.has(status), `${status} among ${[...statuses].join()}`)
})

test('no bytes on a socket reach a store as another customer', async (t) => {
  const world = await withNeighbours(t)
  const { hostname, port } = new URL(world.url)
  const raw = fc.oneof(
    paths.map((path) => Buffer.from(path, 'utf8')),
    paths.map((path) => Buffer.from(path, 'latin1')),
    fc.tuple(paths, fc.uint8Array({ maxLength: 6 })).map(([path, bytes]) => Buffer.concat([Buffer.from(path), bytes])),
    fc.constantFrom(
      Buffer.from(`http://other${pathOf({ ...OWN, customer: 'c2' })}`),
      Buffer.from(`${pathOf(OWN)} HTTP/1.1\r\nx: y\r\n\r\nGET ${pathOf({ ...OWN, customer: 'c2' })}`),
      Buffer.from(`${pathOf(OWN)}\r\nGET ${pathOf({ ...OWN, customer: 'c2' })}`),
    ),
  )
  await fc.assert(
    fc.asyncProperty(raw, methods, async (path, method) => {
      const socket = connect(Number(port), hostname)
      const answer = text(socket)
      const head = ` HTTP/1.1\r\nhost: c2\r\nauthorization: Bearer ${world.token}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`
      socket.end(Buffer.concat([Buffer.from(`${method} `), path, Buffer.from(head)]))
      assertOwn(world, await answer.catch(() => ''))
    }),
    { numRuns: 300 },
  )
})

test('the neighbours still hold what they held, and the own path leads to the own secret', async (t) => {
  const world = await withNeighbours(t)
  const pool = new Pool(world.url, { connections: 1 })
  t.after(() => pool.close())
  const headers = { authorization: `Bearer ${world.token}` }
  for (const encoded of [pathOf(OWN), pathOf(OWN).replace('token', '%74oken'), pathOf(OWN).replace('c1', '%63%31')]) {
    const response = await pool.request({ path: encoded, method: 'GET', headers })
    assert.equal(await response.body.text(), 'own')
    const { reached, audited } = world.seen()
    assert.deepEqual(reached, [OWN])
    assert.deepEqual(
      audited.map(({ integration, customer, name }) => ({ integration, customer, name })),
      [OWN],
    )
  }
  for (const method of ['PUT', 'DELETE'] as const) {
    const path = pathOf({ ...OWN, customer: 'c2' })
    assert.equal((await pool.request({ path, method, headers })).statusCode, 403)
  }
  assert.deepEqual(world.seen().reached, [])
  world.legacy.beforeRead(null)
  const outcome = await world.legacy.get({ ...OWN, customer: 'c2' }, call())
  assert.equal(outcome.kind, 'found')
})
