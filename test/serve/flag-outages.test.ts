import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { makeLadder } from '../../flags/ladder.ts'
import type { Phase } from '../../flags/phase.ts'
import { type HttpRelay, type RelayAnswer, startHttpRelay } from '../support/http-relay.ts'
import { startUnleash, type UnleashServer } from '../support/unleash-server.ts'
import { type Load, startLoad } from './flag-load.ts'
import { type FlagSystem, makeFlagSystem } from './flag-system.ts'
import { ledgerServer } from './replicas.ts'

/*
 * A real process whose flags come from a real Unleash server, which fails in every way under load: the phases hold, no
 * request fails, and the next change is followed. The integrations stand in phases that read either side.
 */

const ledger = ledgerServer()
const PHASES: Readonly<Record<string, Phase>> = { aws: 'live', github: 'shadow', azure: 'complete', gitlab: 'off' }
const INTEGRATIONS = Object.keys(PHASES)

const answer = (status: number, body: unknown): RelayAnswer => ({
  kind: 'answer',
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

const EMPTY = { version: 2, features: [], segments: [], query: { environment: 'development' } }

interface Outage {
  begin(parts: Parts): Promise<void> | void
  /** What must be seen of it before it ends. */
  readonly seen: RegExp
}

interface Parts {
  readonly unleash: UnleashServer
  readonly relay: HttpRelay
  readonly system: FlagSystem
}

const misbehave =
  (mode: RelayAnswer | ((unleash: UnleashServer) => RelayAnswer)): Outage['begin'] =>
  ({ relay, unleash }) =>
    relay.set(typeof mode === 'function' ? mode(unleash) : mode)

/** Each ends by what makes everything well again. */
const OUTAGES: Readonly<Record<string, Outage>> = {
  'is stopped': {
    begin: ({ unleash }) => unleash.stop(),
    seen: /the last known phase stands: .*the connection was reset/,
  },
  'answers 401': {
    begin: misbehave(answer(401, 'no')),
    seen: /the last known phase stands: .*401: the token is not known/,
  },
  'knows the token no more': {
    begin: ({ system }) => writeFile(system.tokenFile, '*:development.revoked'),
    seen: /the last known phase stands: .*401: the token is not known/,
  },
  'answers 500': { begin: misbehave(answer(500, 'no')), seen: /the last known phase stands: .*500/ },
  'answers garbage': { begin: misbehave(answer(200, '<html>')), seen: /the last known phase stands: .*JSON/ },
  'answers nothing': { begin: misbehave(answer(200, '')), seen: /the last known phase stands: .*JSON/ },
  'has lost every flag': {
    begin: misbehave(answer(200, EMPTY)),
    seen: /the last known phase stands: the flag is missing/,
  },
  'answers of another environment': {
    begin: misbehave((unleash) => ({ kind: 'pass', as: unleash.clientToken('production') })),
    seen: /the last known phase stands: .*environment production/,
  },
  'resets connections': {
    begin: misbehave({ kind: 'reset' }),
    seen: /the last known phase stands: .*the connection was reset/,
  },
}

async function heal({ unleash, relay, system }: Parts): Promise<void> {
  relay.set({ kind: 'pass' })
  await writeFile(system.tokenFile, unleash.clientToken('development'))
  await unleash.start()
}

const reasons = async ({ ops }: FlagSystem): Promise<readonly string[]> => {
  const { integrations } = await ops.call('status', { query: { selector: '*' } })
  return integrations.flatMap(({ cohorts }) => cohorts.map(({ why }) => why))
}

function assertHeld(load: Load, phases: Readonly<Record<string, Phase>> = PHASES): void {
  for (const [integration, { phases: seen, failures, requests }] of Object.entries(load.look())) {
    assert.deepEqual(failures, [], integration)
    assert.deepEqual(seen, [phases[integration]], integration)
    assert.ok(requests > 0)
  }
}

test('an Unleash server that fails moves nobody and fails no request', { timeout: 240_000 }, async (t) => {
  const unleash = await startUnleash(t)
  for (const [name, phase] of Object.entries(PHASES)) await unleash.admin.put(makeLadder(name, phase))
  const relay = await startHttpRelay(t, unleash.origin)
  const system = await makeFlagSystem(t, {
    ledger: await ledger(),
    flags: { url: `${relay.url}/api`, token: unleash.clientToken('development') },
    integrations: INTEGRATIONS,
  })
  const parts = { unleash, relay, system }
  await system.start()
  for (const integration of INTEGRATIONS) {
    await system.ops.call('migrate', { body: { integration, execute: true, reason: 'test' } })
  }
  const isEnrolled = async () => (await reasons(system)).every((why) => why === 'the flag asks for it')
  await system.until(isEnrolled)
  let load = startLoad(system.secrets, INTEGRATIONS)
  t.after(() => load.stop())

  for (const [what, { begin, seen }] of Object.entries(OUTAGES)) {
    await t.test(`when it ${what}`, { timeout: 60_000 }, async () => {
      load.look()
      await begin(parts)
      await system.until(async () => (await reasons(system)).every((why) => seen.test(why)))
      assert.equal(await system.metric('crossfade_flag_held_integrations'), INTEGRATIONS.length)
      await load.served()
      await heal(parts)
      await system.until(async () => (await system.metric('crossfade_flag_held_integrations')) === 0)
      assertHeld(load)
    })
  }

  await t.test('when Crossfade is started again while it is away', async () => {
    await load.stop()
    relay.set({ kind: 'reset' })
    await system.stop()
    await system.start()
    load = startLoad(system.secrets, INTEGRATIONS)
    await load.served()
    assert.ok((await reasons(system)).every((why) => /the last known phase stands/.test(why)))
    assertHeld(load)
    await heal(parts)
  })

  await t.test('and the next change is followed', async () => {
    await unleash.admin.put(makeLadder('aws', 'rampdown'))
    await system.until(async () => (load.look()['aws']?.phases ?? []).includes('rampdown'))
    await load.served()
    assertHeld(load, { ...PHASES, aws: 'rampdown' })
  })
})
