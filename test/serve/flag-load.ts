import type { SecretsClient } from '../../bin/cli/secrets-client.ts'
import { systemClock } from '../../core/clock.ts'

/** What the clients of one integration saw since they were last asked. */
export interface Seen {
  readonly requests: number
  readonly phases: readonly string[]
  readonly failures: readonly string[]
}

export interface Load {
  /** By integration; a new count begins. */
  look(): Readonly<Record<string, Seen>>
  /** Resolves when every integration has been answered once more at least. */
  served(): Promise<void>
  stop(): Promise<void>
}

/** Between two writes of a client: the load must leave a processor to the servers that start and stop. */
const PAUSE_MS = 50

/** Two clients for each integration, each one request after the other: a write, then reads of what was written. */
export function startLoad(secrets: SecretsClient, integrations: readonly string[]): Load {
  const stopping = new AbortController()
  const counts = new Map(integrations.map((name) => [name, empty()]))
  const waiting = new Set<() => void>()

  const client = async (integration: string, name: string): Promise<void> => {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const address = { integration, customer: 'acme', name }
      const value = Buffer.from(`${name} ${turn}`)
      await note(integration, secrets.put(address, value, { contentType: null, metadata: {} }))
      for (let read = 0; read < 3; read += 1) {
        const found = await note(integration, secrets.get(address))
        if (found !== null && !Buffer.from(found.value).equals(value)) fail(integration, 'another value than written')
      }
      await systemClock.sleep(PAUSE_MS)
    }
  }
  const fail = (integration: string, why: string): void => void counts.get(integration)?.failures.push(why)
  const note = async <A extends { readonly phase: string | null }>(
    integration: string,
    asked: Promise<A>,
  ): Promise<A | null> => {
    const count = counts.get(integration) ?? empty()
    try {
      const answer = await asked
      count.requests += 1
      count.phases.add(answer.phase ?? 'none')
      for (const wake of waiting) wake()
      return answer
    } catch (error) {
      fail(integration, String(error))
      return null
    }
  }
  const clients = integrations.flatMap((name) => [client(name, 'load/one'), client(name, 'load/two')])

  const look = (): Readonly<Record<string, Seen>> => {
    const seen = [...counts].map(([name, { requests, phases, failures }]) => {
      counts.set(name, empty())
      return [name, { requests, phases: [...phases].sort(), failures }] as const
    })
    return Object.fromEntries(seen)
  }
  return {
    look,
    served: async () => {
      const before = new Map([...counts].map(([name, { requests }]) => [name, requests]))
      const isServed = (name: string): boolean => (counts.get(name)?.requests ?? 0) > (before.get(name) ?? 0)
      while (!integrations.every(isServed)) {
        const { promise, resolve } = Promise.withResolvers<void>()
        waiting.add(resolve)
        await promise
        waiting.delete(resolve)
      }
    },
    stop: async () => {
      stopping.abort()
      await Promise.all(clients)
    },
  }
}

const empty = () => ({ requests: 0, phases: new Set<string>(), failures: [] as string[] })
