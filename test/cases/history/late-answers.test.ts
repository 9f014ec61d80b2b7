import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { freePort } from '../../../bin/embedded/free-port.ts'
import { startRelay } from '../../chaos/relay.ts'
import { needs } from '../../support/parts.ts'
import { caseOf } from '../support/case.ts'
import { emptyDatabase, enrolledHome, withIntegrations, withPhase, withStore } from '../support/enrolled.ts'

const redis = needs('redis-server')

interface Ready {
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[]
}

/** Asks until the check of this name says so. */
async function untilSaid(operators: string, name: string, words: RegExp): Promise<Ready> {
  for (;;) {
    const answer = await fetch(`${operators}/readyz?verbose`).catch(() => null)
    const report = answer === null ? null : ((await answer.json()) as Ready)
    if (report?.checks.some((check) => check.name === name && words.test(check.detail))) return report
    await nextTurn()
  }
}

caseOf(
  ['history', 'H3'],
  'a store that could not say at the start which one it is, is asked before it is used',
  { skip: redis.skip },
  async (t) => {
    const { home } = await enrolledHome(t, redis.path)
    const empty = new URL(await emptyDatabase(t))
    const relay = await startRelay(Number(empty.port))
    t.after(() => relay.close())
    relay.set({ kind: 'refuse' })
    empty.port = String(relay.port)
    const dualwrite = await withPhase(home, 'dualwrite.json', 'dualwrite')
    const late = await home.serve((config) => withStore('vaulted', { url: empty.href })(dualwrite(config)))
    assert.equal(await (await late.request('aws/acme/token')).text(), 'v1', 'legacy serves')

    relay.set({ kind: 'pass' })
    const put = await late.request('aws/acme/token', { method: 'PUT', body: Buffer.from('v3') })
    assert.equal(put.status, 204)
    const report = await untilSaid(late.operators, 'configuration', /^aws: `new` is another store/)
    assert.equal(report.ready, false)
    const { stdout } = await late.cli('status', '--json')
    assert.match(stdout, /"owing":1/, 'what could not be put there is owed')
  },
)

caseOf(
  ['history', 'H5'],
  'a replica that is configured otherwise than a live one is not ready, says in what, and goes on when that one has ended',
  { skip: redis.skip },
  async (t) => {
    const { home, first } = await enrolledHome(t, redis.path, withIntegrations({ aws: {}, slack: {} }))
    const address = `127.0.0.1:${await freePort()}`
    const starting = home.serve((config) => ({
      ...withIntegrations({ aws: {}, slack: { value: 'json' } })(config),
      listen: { ...config.listen, operators: { address } },
    }))
    const report = await untilSaid(`http://${address}`, 'configuration', /home-1: slack: value: bytes, here json/)
    assert.equal(report.ready, false)
    await first.stop()
    const second = await starting
    await untilSaid(second.operators, 'configuration', /^as it was enrolled$/)
  },
)

caseOf(
  ['history', 'H11'],
  'status and the list of replicas show each replica that runs other phases',
  { skip: redis.skip },
  async (t) => {
    const { home, first } = await enrolledHome(t, redis.path)
    const second = await home.serve(await withPhase(home, 'dualwrite.json', 'dualwrite'))
    const saidIn = async (...argv: readonly string[]): Promise<string> => {
      for (;;) {
        const { stdout } = await first.cli(...argv)
        if (/runs dualwrite/.test(stdout)) return stdout
        await nextTurn()
      }
    }
    const line = /runs dualwrite where this one runs off: aws\/general/
    assert.match(await saidIn('status'), new RegExp(`replica home-2 ${line.source}`))
    assert.match(await saidIn('replicas', 'list'), line)
    await second.stop()
    const { stdout } = await first.cli('status')
    assert.doesNotMatch(stdout, /home-2/)
  },
)
