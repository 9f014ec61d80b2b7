import type { Browser } from 'playwright-core'
import { makeCanary, makeSearch } from './encodings.ts'
import { placesOf } from './places.ts'
import { type CanarySystem, startCanarySystem } from './system.ts'
import { type Refusals, runTraffic } from './traffic.ts'

/** Where something was found, and how it was spelled. */
export interface Found {
  readonly place: string
  readonly encodings: readonly string[]
}
export interface Searched {
  /** By name; each of them held some text. */
  readonly places: readonly string[]
  readonly found: readonly Found[]
}

export interface Canary {
  readonly canary: string
  readonly system: CanarySystem
  /** Looks at every place as it is now. */
  search(): Promise<Searched>
  stop(): Promise<void>
}

/** A system that has had a hard time with a value that nothing but its stores may hold; and with tokens, which nothing may. */
export async function withCanary(redis: string, browser: Browser): Promise<Canary> {
  const canary = makeCanary()
  const system = await startCanarySystem(redis)
  const refusals: Refusals = []
  try {
    await runTraffic(system, canary, refusals)
  } catch (error) {
    await system.stop()
    throw error
  }
  const look = makeSearch([canary, ...Object.values(system.tokens)])
  return {
    canary,
    system,
    search: async () => {
      const places = (await placesOf(system, refusals, browser)).filter(({ text }) => text !== '')
      const found = places.map(({ name, text }) => ({ place: name, encodings: look(text) }))
      return { places: places.map(({ name }) => name), found: found.filter(({ encodings }) => encodings.length > 0) }
    },
    stop: () => system.stop(),
  }
}
