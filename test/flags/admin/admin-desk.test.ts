import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminApi } from '../../../flags/admin/api.ts'
import { reconcile } from '../../../flags/code/reconcile.ts'
import { flagName } from '../../../flags/definition.ts'
import type { Ask, FlagDesk, Written } from '../../../flags/desk.ts'
import { flagsFault } from '../../../flags/faults.ts'
import type { Step } from '../../../flags/ladder.ts'
import { startUnleash } from '../../support/unleash-server.ts'
import { step, where } from '../at-hand.ts'
import { adminApi, adminDesk, clientsView, personalToken, watched } from './at-hand.ts'

const wanting = (
  integration: string,
  rest: readonly Step[],
  cohorts: Readonly<Record<string, readonly Step[]>> = {},
  takeOver = false,
): Ask => ({
  integration,
  edit: (held) =>
    reconcile(
      held,
      { integration, ladder: { integration, pins: [], cohorts: new Map(Object.entries(cohorts)), rest } },
      { takeOver },
    ),
})

const OFF = { phase: 'off', percent: 100 } as const
const all = (phase: Step['phase']): readonly Step[] => [{ phase, percent: 100 }]

const writeOne = async (desk: FlagDesk, ask: Ask): Promise<Written> => (await desk.write([ask]))[0] as Written

/** Writes one ladder after the other, and returns what clients could see of each change, repeats left out. */
async function seenDuring(api: AdminApi, view: () => Promise<string>, asks: readonly Ask[]) {
  const changes: { before: string; after: string; between: string[]; calls: string[] }[] = []
  for (const ask of asks) {
    const [between, calls]: [string[], string[]] = [[], []]
    const before = await view()
    const { desk } = adminDesk(
      watched(api, async (call) => {
        calls.push(call)
        between.push(await view())
      }),
    )
    const written = await writeOne(desk, ask)
    assert.equal(written.kind, 'written', JSON.stringify(written))
    changes.push({ before, after: await view(), between, calls })
  }
  return changes
}

test('the admin side of a real Unleash', async (t) => {
  const server = await startUnleash(t)
  const api = adminApi(t, server)
  const { desk } = adminDesk(api)
  const eventsOf = async (flag: string) =>
    (
      (await server.admin.request('GET', `/api/admin/search/events?feature=IS:${flag}&limit=100`)) as {
        events: { type: string; createdBy: string }[]
      }
    ).events

  await t.test(
    'a client that polls after every call sees, of each customer, the old phase or the new one',
    async (t) => {
      const integration = 'a-long-name-that-gives-many-prefixes-one-for-each-look-at-it'
      const view = clientsView(server, integration)
      const changes = await seenDuring(adminApi(t, server), view, [
        wanting(integration, [{ phase: 'shadow', percent: 30 }, { phase: 'dualwrite', percent: 60 }, OFF]),
        wanting(integration, [{ phase: 'shadow', percent: 50 }, { phase: 'dualwrite', percent: 90 }, OFF]),
        wanting(integration, [{ phase: 'shadow', percent: 10 }, { phase: 'dualwrite', percent: 20 }, OFF]),
        wanting(integration, [{ phase: 'live', percent: 70 }, OFF], { pilot: all('live'), dogfood: all('complete') }),
        wanting(integration, all('shadow'), { pilot: [{ phase: 'live', percent: 40 }, OFF] }),
        wanting(integration, all('rampdown')),
      ])
      const [made, ...changed] = changes
      assert.equal(made?.before, 'missing')
      const offOrMade = made?.between.filter((seen) => /^o+$/.test(seen) || seen === made.after).length
      assert.equal(offOrMade, made?.between.length, 'nobody was ever elsewhere, so off is where they are')
      for (const { before, after, between, calls } of changed) {
        assert.notEqual(before, after)
        for (const seen of between) {
          const strange = [...seen].filter((phase, index) => phase !== before[index] && phase !== after[index])
          assert.deepEqual(strange, [], calls.join(', '))
        }
      }
      assert.deepEqual(changed[0]?.calls, ['changeStrategy', 'changeStrategy'])
    },
  )

  await t.test('what is as wanted already is not touched: no call, no event', async () => {
    const ask = wanting('idle', [{ phase: 'live', percent: 10 }, OFF], { pilot: all('live') })
    assert.equal((await writeOne(desk, ask)).kind, 'written')
    const before = await eventsOf(flagName('idle'))
    assert.equal((await writeOne(desk, ask)).kind, 'same')
    assert.equal((await desk.look([ask]))[0]?.kind, 'same')
    assert.equal((await eventsOf(flagName('idle'))).length, before.length)
    assert.ok(before.length > 0)
  })

  await t.test('a crash after any call is completed by the next write', async (t) => {
    const integration = 'crash'
    const from = wanting(integration, [{ phase: 'shadow', percent: 30 }, OFF])
    const to = wanting(integration, all('dualwrite'), { pilot: all('live'), dogfood: all('shadow') })
    let [cut, completed] = [0, 0]
    for (let ended = false; !ended; cut += 1) {
      await writeOne(desk, from)
      let calls = 0
      const dying = watched(adminApi(t, server), async () => {
        calls += 1
        if (calls > cut) throw flagsFault('flag-server-unreachable', 'it crashed')
      })
      ended = (await writeOne(adminDesk(dying).desk, to)).kind === 'written'
      if (!ended && (await writeOne(desk, to)).kind === 'written') completed += 1
      assert.equal((await desk.look([to]))[0]?.kind, 'same')
      assert.equal((await server.admin.strategies(flagName(integration))).length, 3)
    }
    assert.ok(completed >= 4, 'all but the crash after the last call left something to do')
  })

  await t.test(
    'a flag whose making was cut off is finished and switched on; one that a person switched off stays off',
    async (t) => {
      const ask = wanting('cut', all('dualwrite'))
      const dying = watched(adminApi(t, server), async (call) => {
        if (call === 'addStrategy') throw flagsFault('flag-server-unreachable', 'it crashed')
      })
      assert.equal((await writeOne(adminDesk(dying).desk, ask)).kind, 'failed')
      assert.equal((await writeOne(desk, ask)).kind, 'written')
      assert.equal((await api.flag(flagName('cut')))?.enabled, true)
      await server.admin.turn(flagName('cut'), 'off')
      assert.equal((await writeOne(desk, wanting('cut', all('shadow')))).kind, 'written')
      assert.equal((await api.flag(flagName('cut')))?.enabled, false)
    },
  )

  await t.test('a flag that was deleted is made again in one moment, with a personal token only', async (t) => {
    const integration = 'came-back'
    const view = clientsView(server, integration)
    await writeOne(desk, wanting(integration, all('live')))
    await server.admin.archive(flagName(integration))
    const archived = await writeOne(desk, wanting(integration, all('live')))
    assert.match(archived.kind === 'failed' ? archived.fault.detail : '', /archived/)
    await server.admin.request('DELETE', `/api/admin/archive/${flagName(integration)}`)
    const again = await writeOne(desk, wanting(integration, all('live')))
    assert.match(again.kind === 'failed' ? again.fault.detail : '', /personal token/)
    const personal = adminApi(t, server, await personalToken(server))
    const [change] = await seenDuring(personal, view, [wanting(integration, all('live'))])
    assert.deepEqual(change?.calls, ['importFlag'])
    assert.deepEqual([change?.before, [...new Set(change?.after)]], ['missing', ['l']])
  })

  await t.test('with a personal token the server’s own audit names the human', async (t) => {
    const personal = adminApi(t, server, await personalToken(server))
    await writeOne(adminDesk(personal).desk, wanting('human', all('dualwrite')))
    await writeOne(desk, wanting('human', all('shadow')))
    const [last, ...earlier] = await eventsOf(flagName('human'))
    const names = new Set(earlier.map(({ createdBy }) => createdBy))
    assert.ok(names.has('admin'), [...names].join(', '))
    assert.notEqual(last, undefined)
  })

  await t.test(
    'pins by segments stay, impression data is switched off, and a person’s own strategies are refused',
    async () => {
      const name = flagName('by-hand')
      const segment = await server.admin.addSegment('frozen', [where('customerId', 'IN', 'customer-1')])
      await server.admin.addFlag(name, { impressionData: true })
      await server.admin.addStrategy(name, { ...step('by-hand', 'off'), segments: [segment] })
      await server.admin.turn(name, 'on')
      const ask = wanting('by-hand', all('live'))
      assert.equal((await writeOne(desk, ask)).kind, 'written')
      const held = await api.flag(name)
      assert.deepEqual(
        held?.strategies.map(({ segments, variants }) => [segments, variants[0]?.name]),
        [
          [[segment], 'off'],
          [[], 'live'],
        ],
      )
      assert.equal(held?.impressionData, false)
      await server.admin.addStrategy(name, { name: 'default', parameters: {} })
      const refused = await writeOne(desk, ask)
      assert.match(refused.kind === 'refused' ? refused.detail : '', /not in the order|strategy 3/)
      const over = await writeOne(desk, wanting('by-hand', all('live'), {}, true))
      assert.equal(over.kind, 'written')
    },
  )

  await t.test('a parent flag is taken away only when the file takes the flag over', async () => {
    const name = flagName('child')
    await server.admin.addFlag('a-parent')
    await writeOne(desk, wanting('child', all('shadow')))
    await server.admin.addParent(name, 'a-parent')
    assert.equal((await writeOne(desk, wanting('child', all('live')))).kind, 'refused')
    assert.equal((await writeOne(desk, wanting('child', all('live'), {}, true))).kind, 'written')
    assert.deepEqual((await api.flag(name))?.dependencies, [])
  })

  await t.test('someone else’s change between two calls is noticed before anybody moves', async (t) => {
    const integration = 'two-writers'
    await writeOne(desk, wanting(integration, [{ phase: 'shadow', percent: 30 }, OFF]))
    let meddled = false
    const racing = watched(adminApi(t, server), async (call) => {
      if (call !== 'addStrategy' || meddled) return
      meddled = true
      await server.admin.addStrategy(flagName(integration), step(integration, 'complete', 1))
    })
    const view = clientsView(server, integration)
    const before = await view()
    const lost = await writeOne(adminDesk(racing).desk, wanting(integration, all('dualwrite'), { pilot: all('live') }))
    assert.equal(lost.kind === 'failed' && lost.fault.code, 'flag-disturbed')
    assert.equal(await view(), before)
  })

  await t.test(
    'hundreds are written in batches, with a pause after each for those who hold too many moves',
    async () => {
      const { desk, pauses } = adminDesk(api, 10)
      const asks = Array.from({ length: 25 }, (_, index) => wanting(`many-${index}`, all('dualwrite')))
      const ended: string[] = []
      const written = await desk.write(asks, { onWritten: (integration) => ended.push(integration) })
      assert.deepEqual([...new Set(written.map(({ kind }) => kind))], ['written'])
      assert.deepEqual([pauses.length, ended.length], [2, 25])
      const stopped = new AbortController()
      const some = await desk.write(
        Array.from({ length: 25 }, (_, index) => wanting(`many-${index}`, all('shadow'))),
        { signal: stopped.signal, onWritten: () => stopped.abort() },
      )
      const left = some.filter(({ kind }) => kind === 'left').length
      assert.equal(left, 15, 'the batch that had begun is ended, the next does not begin')
    },
  )

  await t.test('a refused token and a server that is not there are failures of each flag, not a crash', async (t) => {
    const wrong = await writeOne(adminDesk(adminApi(t, server, '*:*.wrong')).desk, wanting('idle', all('live')))
    assert.equal(wrong.kind === 'failed' && wrong.fault.code, 'flag-token-refused')
    await server.stop()
    const gone = await writeOne(desk, wanting('idle', all('live')))
    assert.equal(gone.kind === 'failed' && gone.fault.code, 'flag-server-unreachable')
  })
})
