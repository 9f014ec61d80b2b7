import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { figuresByCohort } from '../../bin/serve/gate-figures.ts'
import { makeCohorts } from '../../flags/cohorts.ts'
import { judgeGate } from '../../flags/gates.ts'
import { NO_BYPASS, readBypass } from '../../ledger/postgres/bypass.ts'
import { readGateFigures } from '../../ledger/postgres/gate-figures.ts'
import { acceptQuarantine } from '../../ledger/postgres/quarantine.ts'
import { always } from '../support/answers.ts'
import { backfill, takeInventory, verify } from './whole-stages.ts'
import { at, INTEGRATION, names, secretOf, unwatched, withMigrator } from './with-migrator.ts'

const none = { kind: 'none' } as const
const LEGACY = { integration: INTEGRATION, source: 'legacy' } as const
const COHORTS = makeCohorts([{ name: 'everybody', kind: 'rest' }])
const LIVE = { integration: INTEGRATION, cohort: 'everybody', phase: 'live' } as const

async function migrated(t: TestContext) {
  const under = await withMigrator(t)
  await under.seed(names(3))
  await takeInventory(under.deps, INTEGRATION, unwatched())
  const copy = () => backfill(under.deps, LEGACY, unwatched())
  await copy()
  const look = (repair = false) => verify(under.deps, INTEGRATION, unwatched(), { repair })
  await look()
  return {
    ...under,
    copy,
    look,
    /** What the gate of live still waits for. */
    waits: async () => {
      const figures = figuresByCohort(await readGateFigures(under.database, INTEGRATION), COHORTS).get('everybody')
      assert.ok(figures)
      const asked = { verified: 1, stable_mismatches: 0, no_bypass: true }
      return judgeGate(asked, { figures, soaked: null }, LIVE).map(({ condition }) => condition)
    },
    bypassed: async () => (await readBypass(under.database, [INTEGRATION])).get(INTEGRATION) ?? NO_BYPASS,
    classes: async () => (await under.mismatches.list(INTEGRATION, true, 10)).map((found) => found.class),
  }
}

test('a writer past the proxy is found and classed, and holds the gate until it has stopped', async (t) => {
  const under = await migrated(t)
  assert.deepEqual([await under.waits(), await under.bypassed()], [[], NO_BYPASS])

  await under.plant('legacy', at('straight into the table'), secretOf('one'))
  assert.deepEqual((await under.look()).mismatches.out_of_band, 1)
  assert.deepEqual(await under.classes(), ['out_of_band'])
  const first = await under.bypassed()
  assert.equal(first.secrets, 1)
  assert.deepEqual(await under.waits(), ['verified', 'stable_mismatches', 'no_bypass'])

  // Copied and equal by now; but it goes on, and so the next verify finds the next one.
  await under.copy()
  await under.plant('legacy', at('and another one'), secretOf('two'))
  assert.equal((await under.look()).mismatches.out_of_band, 1)
  const second = await under.bypassed()
  assert.equal(second.secrets, 2)
  assert.equal((second.lastSeen ?? 0) > (first.lastSeen ?? 0), true)

  // All is verified and equal; nobody has looked yet whether the writer has stopped.
  await under.copy()
  const [row] = (await under.deps.verification.page(INTEGRATION, null, 10)).filter(
    ({ address }) => address.name === 'and another one',
  )
  assert.ok(row)
  await under.deps.verification.verified([row])
  await under.mismatches.resolve([row.address])
  assert.deepEqual(await under.waits(), ['no_bypass'])

  assert.deepEqual((await under.look()).mismatches.out_of_band, 0)
  assert.deepEqual([await under.waits(), await under.bypassed()], [[], NO_BYPASS])
})

test('a value that was changed past the proxy and repaired holds the gate until a whole verify finds nothing', async (t) => {
  const under = await migrated(t)
  const [victim] = names(1)
  assert.ok(victim)
  // Written through the proxy once, so that it is known what legacy has to hold.
  under.core.setPhase('dualwrite')
  await under.core.secrets.write(victim, secretOf('value of key-0000'), none)
  await under.core.lazy.flush()
  under.core.setPhase('off')
  await under.plant('legacy', victim, secretOf('past the proxy'))
  const result = await under.look(true)
  assert.deepEqual([result.mismatches.value, result.repaired], [1, 1])
  assert.deepEqual(await under.held(victim), { legacy: 'value of key-0000', new: 'value of key-0000' })
  assert.deepEqual([(await under.waits()).includes('no_bypass'), (await under.bypassed()).secrets], [true, 1])
  await under.look()
  assert.deepEqual(await under.waits(), [])
})

test('what settle met of such a writer counts until an operator has accepted it', async (t) => {
  const under = await migrated(t)
  under.core.setPhase('off')
  await under.core.secrets.write(at('mine'), secretOf('through the proxy'), none)
  await under.core.lazy.flush()
  await under.plant('legacy', at('mine'), secretOf('past the proxy'))
  await under.copy()
  await under.look()
  assert.deepEqual([(await under.waits()).includes('no_bypass'), (await under.bypassed()).secrets], [true, 1])
  await acceptQuarantine(under.database, INTEGRATION)
  assert.deepEqual(await under.bypassed(), NO_BYPASS)
  assert.deepEqual(await under.waits(), [])
})

test('a store that cannot be read is no writer', async (t) => {
  const under = await migrated(t)
  under.stores.new.gate('getMany', async (_real, addresses) =>
    always(addresses, { kind: 'unreadable', reason: 'undecryptable', version: null }),
  )
  assert.equal((await under.look()).mismatches.undecryptable, 3)
  assert.deepEqual(await under.bypassed(), NO_BYPASS)
})

test('what an operator leaves behind in quarantine is no open difference any more, also if a verify found it first', async (t) => {
  const under = await withMigrator(t, { addressable: ({ name }) => name !== 'odd' })
  await under.seed(names(2))
  await takeInventory(under.deps, INTEGRATION, unwatched())
  await backfill(under.deps, LEGACY, unwatched())
  const look = () => verify(under.deps, INTEGRATION, unwatched(), { repair: true })
  await under.plant('legacy', at('odd'), secretOf('nobody can ask for it'))
  await look()
  await look()
  const open = async () => (await under.mismatches.list(INTEGRATION, true, 10)).map(({ name }) => name)
  const { proof } = under.deps
  assert.deepEqual(await open(), ['odd'])
  await acceptQuarantine(under.database, INTEGRATION)
  await look()
  assert.deepEqual(await open(), [])
  const { mismatched, quarantined, accepted } = await proof.obstacles(INTEGRATION, 'legacy')
  assert.deepEqual({ mismatched, quarantined, accepted }, { mismatched: 0, quarantined: 0, accepted: 1 })
})
