import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { freePort } from '../../../bin/embedded/free-port.ts'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'
import { serveProcess } from '../support/process.ts'

const SQL = `
create table t (customer text, name text, value text not null, primary key (customer, name));
insert into t values ('acme', 'token', 'v');
`

/** Takes connections and says nothing. */
async function silentServer(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

caseOf(
  ['history', 'H10'],
  'who is told that it is ready is served, also while new hangs',
  { timeout: 60_000 },
  async (t) => {
    const silent = await silentServer(t)
    const [clients, operators] = [await freePort(), await freePort()]
    const home = await makeHome(t, {
      sql: SQL,
      edit: (config) => ({
        ...config,
        listen: { clients: { address: `127.0.0.1:${clients}` }, operators: { address: `127.0.0.1:${operators}` } },
        stores: {
          ...config.stores,
          vaulted: { ...config.stores['vaulted'], url: `postgres://postgres@127.0.0.1:${silent}/sealed` },
        } as typeof config.stores,
      }),
    })
    const headers = { authorization: `Bearer ${home.tokens.client}` }
    const serving = serveProcess(t, home)
    serving.catch(() => undefined)
    for (;;) {
      const ready = await fetch(`http://127.0.0.1:${operators}/readyz?verbose`).catch(() => null)
      const report = (await ready?.json()) as { checks: { name: string; ok: boolean }[] } | undefined
      if (ready?.status === 200) break
      // Before that it says what it waits for.
      if (report !== undefined) assert.ok(report.checks.some(({ ok }) => !ok))
      await new Promise(setImmediate)
    }
    const answer = await fetch(`http://127.0.0.1:${clients}/api/v1/secrets/aws/acme/token`, { headers })
    assert.deepEqual([answer.status, await answer.text()], [200, 'v'])
    await serving
  },
)
