import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRandom } from '../../../bin/embedded/sample/random.ts'
import { makeClients } from '../../../migrator/pace/clients.ts'
import { makeGovernor } from '../../../migrator/pace/governor.ts'
import type { Throttle } from '../../../migrator/pace/pace.ts'
import { makePaces } from '../../../migrator/pace/paces.ts'
import { makeStores } from '../../../migrator/pace/stores.ts'

/*
 * A system in driven time: clients ask 300 times a second, copying takes what the pace gives it, and what each costs the
 * other is said by the test. Nothing sleeps.
 */
interface World {
  /** Seconds from now on. `slow`: of a hundred requests, those that are slow at so many secrets a second. */
  run(seconds: number, world: Conditions): void
  /** Secrets a second, of the last `run`. */
  copied(): number
  throttled(): ReadonlySet<Throttle>
}
interface Conditions {
  readonly clients?: number
  readonly slow?: (perSecond: number) => number
  /** ms of a call to a store at so many secrets a second. */
  readonly legacyMs?: (perSecond: number) => number
  readonly newMs?: (perSecond: number) => number
  readonly newErrors?: number
  readonly idle?: boolean
}

const STEP_MS = 5
const FLOOR = 10

function withWorld(
  seed: string,
  integrations: readonly string[] = ['aws'],
): World & { copiedBy(name: string): number } {
  const random = makeRandom(seed)
  let now = 1_700_000_000_000
  let running = 0
  let quiet: number | null = Number.NEGATIVE_INFINITY
  const clock = { monotonic: () => now, wall: () => now, sleep: async () => assert.fail('nothing sleeps') }
  const clients = makeClients({ now: () => now, quietSince: () => quiet, factor: 1.2 })
  const stores = makeStores({ now: () => now, factor: 3, errors: 0.05 })
  const governor = makeGovernor({
    clock,
    clients,
    stores,
    lanes: () => paces.lanes,
    storesOf: (integration) => ({ legacy: 'old', new: integration === 'other' ? 'another' : 'vault' }),
    isAdaptive: () => true,
    floor: FLOOR,
  })
  const paces = makePaces({
    clock,
    limits: () => ({ rate: null, concurrency: 2 }),
    speed: governor.speed,
    onPasses: (change) => {
      running += change
      quiet = running > 0 ? null : now
    },
  })
  const copied = new Map<string, number>()
  let throttles = new Set<Throttle>()
  let lasted = 1
  const call = (store: string, op: string, secrets: number, ms: number, failed = false) =>
    stores.observe({
      ...{ store, op, secrets, ms: ms * (1 + random.below(50) / 100), failed },
      ...{ throttled: false, pause: 0 },
    })

  /** A pass takes 20 ms; secrets a second over the last fifth of one are what strains. */
  const passes: { readonly until: number; readonly end: () => void }[] = []
  const recent: { readonly at: number; readonly secrets: number }[] = []
  const perSecond = (): number => {
    while (recent.length > 0 && now - (recent[0]?.at ?? 0) > 200) recent.shift()
    return recent.reduce((sum, { secrets }) => sum + secrets, 0) * 5
  }
  const ask = (times: number, slowOf100: number): void => {
    for (let n = 0; n < times; n += 1) {
      const isSlow = random.below(10_000) < slowOf100 * 100
      clients.observe('read', isSlow ? 40 + random.below(20) : 2 + random.below(30) / 10)
    }
  }
  const step = ({
    clients: asks = 300,
    slow = () => 0.5,
    legacyMs = () => 4,
    newMs = () => 6,
    newErrors = 0,
  }: Conditions) => {
    const load = perSecond()
    ask((asks * STEP_MS) / 1000, slow(load))
    for (const pass of passes.splice(0)) pass.until <= now ? pass.end() : passes.push(pass)
    for (const integration of integrations) {
      const share = paces.tryTake(integration, 200)
      if (share === null) {
        const { hold, by } = governor.speed(integration)
        throttles.add(hold ?? by ?? 'start')
        continue
      }
      call('old', 'getMany', share.secrets, legacyMs(load))
      const store = integration === 'other' ? 'another' : 'vault'
      const failed = store === 'vault' && random.below(100) < newErrors
      call(store, 'putMany', share.secrets, newMs(load), failed)
      recent.push({ at: now, secrets: share.secrets })
      copied.set(integration, (copied.get(integration) ?? 0) + share.secrets)
      passes.push({ until: now + 20, end: () => share.end(share.secrets) })
    }
  }
  return {
    run: (seconds, world) => {
      copied.clear()
      throttles = new Set()
      lasted = seconds
      for (let ms = 0; ms < seconds * 1000; ms += STEP_MS) {
        now += STEP_MS
        if (world.idle) ask(2, world.slow?.(0) ?? 0.5)
        else step(world)
        if (ms % 250 === 0) governor.look()
      }
    },
    copied: () => [...copied.values()].reduce((sum, n) => sum + n, 0) / lasted,
    copiedBy: (name) => (copied.get(name) ?? 0) / lasted,
    throttled: () => throttles,
  }
}

test('without clients, on stores that keep up, it is soon as fast as passes end', () => {
  const world = withWorld('alone')
  world.run(5, { clients: 0 })
  world.run(5, { clients: 0 })
  // Two passes of 200 secrets each 20 ms, begun at the next step, would be 16 000 a second.
  assert.ok(world.copied() > 5000, `${world.copied()}`)
})

test('clients that suffer slow copying down to what they bear, and it says so', () => {
  const world = withWorld('clients')
  world.run(10, { idle: true })
  // Up to 400 a second clients notice nothing; beyond, more and more of them.
  const slow = (perSecond: number) => (perSecond <= 400 ? 0.5 : 0.5 + (perSecond - 400) / 50)
  world.run(20, { slow })
  world.run(60, { slow })
  assert.ok(world.copied() > 100 && world.copied() < 500, `${world.copied()}`)
  assert.ok(world.throttled().has('clients'))
})

test('it never stops, whatever strains', () => {
  const world = withWorld('floor')
  world.run(10, { idle: true })
  world.run(30, { slow: (load) => (load > 0 ? 60 : 0.5) })
  world.run(30, { slow: (load) => (load > 0 ? 60 : 0.5), newErrors: 100, legacyMs: () => 400 })
  assert.ok(world.copied() >= FLOOR * 0.8 && world.copied() < 100, `${world.copied()}`)
})

test('when the strain is over it is fast again', () => {
  const world = withWorld('over')
  world.run(10, { idle: true })
  world.run(20, { slow: (load) => (load > 0 ? 60 : 0.5) })
  const strained = world.copied()
  world.run(60, {})
  assert.ok(world.copied() > strained * 3, `${strained}, then ${world.copied()}`)
})

for (const [what, conditions, by] of [
  ['a legacy store that becomes slow', { legacyMs: (load: number) => (load > 500 ? 60 : 4) }, 'legacy-latency'],
  ['a new store that becomes slow', { newMs: (load: number) => (load > 500 ? 60 : 6) }, 'new-latency'],
  ['a new store that fails', { newErrors: 40 }, 'new-errors'],
] as const)
  test(`${what} is named as what throttles, without any client`, () => {
    const world = withWorld(what)
    world.run(10, { clients: 0 })
    const before = world.copied()
    world.run(30, { clients: 0, ...conditions })
    assert.ok(world.copied() < before / 2, `${before}, then ${world.copied()}`)
    assert.ok(world.throttled().has(by), [...world.throttled()].join())
  })

test('a store that suffers slows only those down that are copied to it', () => {
  const world = withWorld('two', ['aws', 'other'])
  world.run(10, { clients: 0 })
  world.run(5, { clients: 0, newErrors: 50 })
  world.run(30, { clients: 0, newErrors: 50 })
  assert.ok(world.copiedBy('aws') < 300, `${world.copiedBy('aws')}`)
  assert.ok(world.copiedBy('other') > 2000, `${world.copiedBy('other')}`)
})

test('requests that are slow without any copying, too, are no reason to slow down', () => {
  const world = withWorld('noisy')
  const slow = () => 4
  world.run(15, { idle: true, slow })
  world.run(60, { slow })
  assert.ok(world.copied() > 500, `${world.copied()}`)
})

test('a store that is uneven whatever is copied does not hold copying at its least', () => {
  const world = withWorld('uneven')
  const uneven = makeRandom('calls')
  world.run(10, { clients: 0 })
  // As on a machine that others use, too: a third of the calls takes twelve times as long.
  const legacyMs = () => (uneven.below(3) === 0 ? 48 : 4)
  world.run(10, { clients: 0, legacyMs })
  assert.ok(world.throttled().has('legacy-latency'))
  world.run(60, { clients: 0, legacyMs })
  world.run(20, { clients: 0, legacyMs })
  assert.ok(world.copied() > 1000, `${world.copied()}`)
  // And what copying itself does to it is still seen.
  world.run(300, { clients: 0 })
  world.run(20, { clients: 0, legacyMs: (load) => (load > 500 ? 60 : 4) })
  world.run(20, { clients: 0, legacyMs: (load) => (load > 500 ? 60 : 4) })
  assert.ok(world.copied() < 800, `${world.copied()}`)
})

test('an integration that was not worked on for a minute begins carefully again', () => {
  const world = withWorld('again')
  world.run(10, { clients: 0 })
  world.run(70, { idle: true })
  world.run(0.2, { clients: 0 })
  assert.ok(world.copied() <= 300, `${world.copied()}`)
})
