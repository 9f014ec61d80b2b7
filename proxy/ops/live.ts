import type { Clock } from '../../core/clock.ts'
import { LIVE_PARTS, type LiveMessage, type LivePart } from './live-messages.ts'
import type { OpsPorts } from './ports.ts'
import type { Rates } from './rates.ts'

/*
 * What the live page is told. One look at everything serves every listener of this process, and nobody looks while nobody
 * listens. The picture is kept as the lines that tell it: who comes is sent all of them, who is there those that changed.
 */

/** Somebody who listens. Neither call may throw. */
export interface Listener {
  /** Whole lines of JSON. */
  tell(lines: string): void
  end(): void
}

export interface Live {
  /** Null: too many listen. Else what to call when this one leaves. */
  join(listener: Listener): (() => void) | null
  /** Looks again now: something was changed by who may be watching it. */
  nudge(): void
  /** Ends every listener, for good. */
  stop(): Promise<void>
}

export interface LiveDeps {
  readonly ports: Pick<OpsPorts, 'status' | 'flags' | 'replicas' | 'mismatches' | 'events'>
  readonly rates: Pick<Rates, 'points'>
  readonly clock: Clock
}

/** ms between two looks; longer where one takes long, so that looking is a tenth of the time at most. */
const PAUSE = 1000
const SHARE = 9
export const MOST_LISTENERS = 32
const NEWEST = 100

export function makeLive({ ports, rates, clock }: LiveDeps): Live {
  const listeners = new Set<Listener>()
  const lines = new Map<string, string>()
  let told = ''
  let stopped = false
  let looking: Promise<void> | null = null
  let pause = new AbortController()

  const broadcast = (text: string): void => {
    for (const listener of listeners) listener.tell(text)
  }
  /** Replaces what was said under this key; what is new of it. */
  const replace = (key: string, message: LiveMessage): string => {
    const line = lineOf(message)
    if (lines.get(key) === line) return ''
    lines.set(key, line)
    return line
  }
  const newRates = (): string => {
    const points = rates.points().filter(({ at }) => at > told)
    told = points.at(-1)?.at ?? told
    return points.length === 0 ? '' : lineOf({ kind: 'rates', points })
  }
  const look = async (): Promise<void> => {
    const unknown: LivePart[] = []
    const seen = await Promise.all(
      LIVE_PARTS.map((part) =>
        PARTS[part](ports).catch(() => {
          unknown.push(part)
          return []
        }),
      ),
    )
    const changed = seen.flat().map(([key, message]) => replace(key, message))
    const beat = lineOf({ kind: 'beat', at: new Date(clock.wall()).toISOString(), unknown })
    broadcast(changed.join('') + newRates() + beat)
  }
  const lookWhileHeard = async (): Promise<void> => {
    while (listeners.size > 0) {
      const began = clock.monotonic()
      pause = new AbortController()
      await look()
      const wait = Math.max(PAUSE, SHARE * (clock.monotonic() - began))
      if (listeners.size > 0 && !pause.signal.aborted) await clock.sleep(wait, pause.signal).catch(() => undefined)
    }
    lines.clear()
    told = ''
    looking = null
  }

  return {
    join: (listener) => {
      if (stopped || listeners.size >= MOST_LISTENERS) return null
      listeners.add(listener)
      const all = rates.points().filter(({ at }) => at <= told)
      const known = [...lines.values()].join('')
      if (known !== '') listener.tell(known + (all.length === 0 ? '' : lineOf({ kind: 'rates', points: [...all] })))
      looking ??= lookWhileHeard()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) pause.abort()
      }
    },
    nudge: () => pause.abort(),
    stop: async () => {
      stopped = true
      for (const listener of [...listeners]) listener.end()
      listeners.clear()
      pause.abort()
      await looking
    },
  }
}

const lineOf = (message: LiveMessage): string => `${JSON.stringify(message)}\n`

/** Each message under the key of what it replaces. */
type Keyed = readonly [key: string, message: LiveMessage]

const PARTS: Readonly<Record<LivePart, (ports: LiveDeps['ports']) => Promise<readonly Keyed[]>>> = {
  status: async ({ status }) => {
    const { integrations, caps, latencies } = await status.status('*')
    return [
      ...integrations.map(
        ({ outcomes: _outcomes, guard: _guard, counted_at: _counted, ...row }): Keyed => [
          `integration ${row.integration}`,
          { kind: 'integration', row },
        ],
      ),
      ['caps', { kind: 'caps', state: caps }],
      ['latencies', { kind: 'latencies', rows: latencies }],
    ]
  },
  flags: async ({ flags }) => {
    const { source, stale } = await flags.flags('*')
    return [['flags', { kind: 'flags', source, stale }]]
  },
  debts: async ({ status }) => [['debts', { kind: 'debts', rows: [...(await status.debts())] }]],
  replicas: async ({ replicas }) => [['replicas', { kind: 'replicas', rows: [...(await replicas.list())] }]],
  mismatches: async ({ mismatches }) => {
    const found = await mismatches.mismatches({ selector: '*', show: 'open', limit: NEWEST })
    return [['mismatches', { kind: 'mismatches', rows: found.mismatches }]]
  },
  events: async ({ events }) => {
    const found = await events.events({ selector: '*', limit: NEWEST })
    return [['events', { kind: 'events', rows: found.events }]]
  },
}
