import type { Clock } from '../../core/clock.ts'
import { SIDES, type Side } from '../../core/side.ts'
import type { Clients } from './clients.ts'
import { FREE, type Lane, type LaneSpeed } from './lane.ts'
import type { Throttle } from './pace.ts'
import type { Watching } from './signal.ts'
import { faster, type Speed, slower, startSpeed } from './speed.ts'
import type { Stores } from './stores.ts'

/*
 * Looks four times a second at what this process sees of clients and stores, and slows down or speeds up each integration
 * that is copied: all of them where clients suffer, those of a store where that does. It speeds up when everything that is
 * there is well, or when nothing was strained for two seconds.
 */
export interface GovernorOptions {
  readonly clock: Clock
  readonly clients: Clients
  readonly stores: Stores
  readonly lanes: () => ReadonlyMap<string, Lane>
  readonly storesOf: (integration: string) => Readonly<Record<Side, string>>
  readonly isAdaptive: (integration: string) => boolean
  /** Secrets a second that are left to all integrations together. */
  readonly floor: number
}

export interface Governor {
  speed(integration: string): LaneSpeed
  look(): void
}

interface Course {
  readonly watched: readonly (readonly [Throttle, Watching])[]
  speed: Speed
  /** When it last changed. */
  changed: number
  worked: number
  looked: number
  /** Secrets a second, smoothed. */
  used: number
  /** When it last worked. */
  busy: number
  /** How often of late a store's latency was strained although next to nothing was copied. */
  inVain: { readonly times: number; readonly last: number }
}

const PATIENCE_MS = 2000
/** Next to nothing, times the floor. */
const ABOUT = 2
/** So often in a row, each within so many ms of the one before, and it is not copying's doing. */
const IN_VAIN = 3
const IN_VAIN_MS = 10_000
const IDLE_MS = 5000
/** Who paused for so long begins as at first. */
const FORGET_MS = 60_000

export function makeGovernor(options: GovernorOptions): Governor {
  const { clock, clients, lanes, isAdaptive, stores, storesOf } = options
  const courses = new Map<string, Course>()

  const begin = (integration: string): Course => {
    const now = clock.monotonic()
    const worked = lanes().get(integration)?.worked ?? 0
    const watched = watch(options, integration)
    const speed = startSpeed(options.floor)
    const fresh = {
      watched,
      speed,
      changed: now,
      worked,
      looked: now,
      used: 0,
      busy: now,
      inVain: { times: 0, last: now },
    }
    courses.set(integration, fresh)
    return fresh
  }
  /** What does not get better when next to nothing is copied is not copying's doing. */
  const endure = (own: Course, by: Throttle, names: Readonly<Record<Side, string>>, now: number): void => {
    const side = by === 'legacy-latency' ? 'legacy' : by === 'new-latency' ? 'new' : null
    // Where there are clients a restart would cost them more than copying slowly costs anybody.
    if (side === null || !clients.areAway()) return
    const times = now - own.inVain.last < IN_VAIN_MS ? own.inVain.times + 1 : 1
    own.inVain = { times: times % IN_VAIN, last: now }
    if (times !== IN_VAIN) return
    stores.tolerate(names[side])
    // What was too much is not known after all.
    own.speed = startSpeed(options.floor)
  }
  const forgetIdle = (): void => {
    for (const [integration, { busy, watched }] of courses) {
      if (clock.monotonic() - busy < FORGET_MS) continue
      for (const [, own] of watched) own.end()
      courses.delete(integration)
    }
  }
  /** The side whose store asked for a rest: nothing begins until that is over. */
  const restOf = (names: Readonly<Record<Side, string>>): Throttle | null => {
    const side = SIDES.find((one) => stores.rests(names[one]))
    return side === undefined ? null : `${side}-limit`
  }
  return {
    speed: (integration) => {
      const rest = restOf(storesOf(integration))
      if (!isAdaptive(integration)) return { ...FREE, hold: rest }
      const { rate, by } = (courses.get(integration) ?? begin(integration)).speed
      return { rate, by: by ?? 'start', hold: clients.stillFor(clock.wall()) === null ? rest : 'baseline' }
    },
    look: () => {
      const now = clock.monotonic()
      forgetIdle()
      const active = [...courses].filter(([integration, { busy }]) => isAdaptive(integration) && now - busy < IDLE_MS)
      const floor = options.floor / Math.max(1, active.length)
      for (const [integration, own] of active) {
        const lane = lanes().get(integration)
        if (lane !== undefined) measure(own, lane, now)
        const rate = own.speed.rate
        const strain = adjust(own, floor, now)
        if (strain !== null && rate <= floor * ABOUT) endure(own, strain, storesOf(integration), now)
      }
    },
  }
}

/** What strains first is named first, where several do. */
function watch({ clients, stores, storesOf }: GovernorOptions, integration: string): Course['watched'] {
  const names = storesOf(integration)
  const [legacy, fresh] = [stores.of(names.legacy), stores.of(names.new)]
  return [
    ...clients.signals.map((signal) => ['clients', signal.watch()] as const),
    ['legacy-limit', legacy.limit.watch()],
    ['new-limit', fresh.limit.watch()],
    ['legacy-errors', legacy.errors.watch()],
    ['new-errors', fresh.errors.watch()],
    ['legacy-latency', legacy.latency.watch()],
    ['new-latency', fresh.latency.watch()],
  ]
}

function measure(own: Course, lane: Lane, now: number): void {
  const seconds = (now - own.looked) / 1000
  if (seconds <= 0) return
  const perSecond = (lane.worked - own.worked) / seconds
  own.used = Math.max(perSecond, own.used * 0.7 + perSecond * 0.3)
  if (lane.worked > own.worked || lane.passes > 0) own.busy = now
  own.worked = lane.worked
  own.looked = now
}

/** What it slowed down for; null: nothing. */
function adjust(own: Course, floor: number, now: number): Throttle | null {
  const seen = own.watched.map(([by, watching]) => ({ by, verdict: watching.verdict() }))
  const strained = seen.find(({ verdict }) => verdict === 'strained')
  if (strained !== undefined) own.speed = slower(own.speed, strained.by, own.used, floor)
  else if (seen.every(({ verdict }) => verdict !== 'unsure') || now - own.changed > PATIENCE_MS)
    own.speed = faster(own.speed, own.used)
  else return null
  own.changed = now
  for (const [, watching] of own.watched) watching.forget()
  return strained?.by ?? null
}
