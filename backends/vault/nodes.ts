/**
 * The nodes of one server: the configured addresses, and no other, have a pool of connections, so whatever an answer says,
 * no request and no token goes elsewhere. A standby's redirect names the active node; the request is sent there as it was,
 * whatever path the redirect names. That node is asked first from then on, until it does not answer.
 */
import { Pool } from 'undici'
import { no } from '../failure.ts'
import type { ConnectionCounts } from '../metrics.ts'
import { type Answer, exchange, type Message, type Reply } from './exchange.ts'
import type { VaultMetrics } from './metrics.ts'
import { vaultFailure } from './request.ts'
import { statusFailure } from './status.ts'
import { makeConnector, type TlsFiles } from './tls.ts'

export interface NodesOptions {
  readonly name: string
  /** Origins, the first choice first. */
  readonly addresses: readonly string[]
  readonly maxConnections: number
  readonly tls: TlsFiles
  readonly metrics: VaultMetrics
}

export interface Nodes {
  /** Never rejects. */
  ask(message: Message, signal: AbortSignal): Promise<Reply>
  connections(): ConnectionCounts
  close(): Promise<void>
}

/** Shorter than servers and balancers keep an idle connection; a server's own hint wins. */
const KEEP_ALIVE_MS = 30_000

export function makeNodes(options: NodesOptions): Nodes {
  const { name, metrics } = options
  const pools = makePools(options)
  const origins = [...pools.keys()]
  let preferred = origins[0] as string

  const after = (origin: string): string => origins[(origins.indexOf(origin) + 1) % origins.length] as string

  const count = (reply: Reply): void =>
    metrics.requests.inc({
      store: name,
      outcome: reply.kind === 'answer' ? String(reply.status) : reply.failure.reason,
    })

  /** Where the request goes next, or what is the answer to it. */
  const next = (reply: Reply, origin: string): string | Reply => {
    if (reply.kind === 'answer' && isRedirect(reply)) return redirected(reply, origin)
    return isAway(reply) ? after(origin) : reply
  }
  const redirected = (reply: Answer, origin: string): string | Reply => {
    const to = originOf(reply.location, origin)
    const follow = (reply.status === 307 || reply.status === 308) && to !== origin && to !== null && pools.has(to)
    metrics.redirects.inc({ store: name, outcome: follow ? 'followed' : 'refused' })
    if (follow) return to
    if (to === origin) return vaultFailure(no('rejected'), `${reply.status}: redirected to another path`)
    return vaultFailure(no('unavailable', true), `${reply.status}: redirected to an address that is not configured`)
  }

  const ask = async (message: Message, signal: AbortSignal): Promise<Reply> => {
    let origin = preferred
    for (let tries = 0; ; tries += 1) {
      const reply = await exchange(pools.get(origin) as Pool, message, signal)
      count(reply)
      // Silent, or gone: whoever comes next begins with another one.
      if (reply.kind === 'failed') preferred = after(origin)
      const step = next(reply, origin)
      if (typeof step !== 'string') {
        if (reply.kind === 'answer') preferred = origin
        return step
      }
      if (tries === origins.length || step === origin || signal.aborted) return lastWord(reply)
      origin = step
    }
  }

  return {
    ask,
    connections: () => {
      const stats = [...pools.values()].map((pool) => pool.stats)
      const sum = (of: 'connected' | 'running' | 'queued'): number => stats.reduce((all, { [of]: n }) => all + n, 0)
      const open = sum('connected')
      return { open, idle: Math.max(0, open - sum('running')), waiting: sum('queued') }
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

function makePools({ name, addresses, maxConnections, tls, metrics }: NodesOptions): ReadonlyMap<string, Pool> {
  const connect = makeConnector(tls)
  const open = (origin: string): Pool => {
    const pool = new Pool(origin, {
      connect,
      connections: maxConnections,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      allowH2: false,
    })
    pool.on('connect', () => metrics.connects.inc({ store: name }))
    return pool
  }
  return new Map(addresses.map((address) => [address, open(address)]))
}

const isRedirect = ({ status }: Answer): boolean => status >= 300 && status < 400 && status !== 304

/** This node did not look at the request: it was not reached, or is sealed, or has no active node to pass it to. */
const isAway = (reply: Reply): boolean => {
  if (reply.kind === 'failed') return reply.failure.certain
  return reply.status === 503 && statusFailure(reply.status, reply.body)?.certain === true
}

const lastWord = (reply: Reply): Reply =>
  reply.kind === 'answer' && isRedirect(reply)
    ? vaultFailure(no('unavailable', true), `${reply.status}: its nodes redirect to each other`)
    : reply

function originOf(location: string | null, base: string): string | null {
  if (location === null || !URL.canParse(location, base)) return null
  return new URL(location, base).origin
}
