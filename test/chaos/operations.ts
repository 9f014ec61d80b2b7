import type { Address } from '../../backends/secret.ts'
import type { FoundSecret } from '../../bin/cli/secrets-client.ts'
import type { Random } from '../../bin/embedded/sample/random.ts'
import type { Clock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import type { HistoryRecord, ReadRecord, Told, WriteRecord } from './history.ts'
import type { ReplicaProcess } from './replica.ts'
import { identityOf, makeValue, placeOf } from './secrets.ts'

export type Act = 'get' | 'put' | 'delete' | 'replace'

/** One operation that has ended. */
export interface Acted {
  /** A write; a read if something was seen; both for a conditional put that was acknowledged. */
  readonly record: readonly HistoryRecord[]
  /** How it was refused, or null. */
  readonly code: string | null
  readonly againstPhase: boolean
}

export interface Actor {
  readonly id: string
  readonly address: Address
  readonly replica: ReplicaProcess
  readonly random: Random
  readonly clock: Clock
}

/** Carries one operation out; never rejects. */
export async function act(kind: Act, actor: Actor): Promise<readonly Acted[]> {
  switch (kind) {
    case 'get':
      return [(await get(actor)).acted]
    case 'put':
      return [await put(actor, null)]
    case 'delete':
      return [await write(actor, null, () => actor.replica.secrets.remove(actor.address, {}))]
    case 'replace':
      return replace(actor)
  }
}

async function replace(actor: Actor): Promise<readonly Acted[]> {
  const { acted, found } = await get({ ...actor, id: `${actor.id}r` })
  return found?.etag == null ? [acted] : [acted, await put(actor, found)]
}

/** A conditional put that was acknowledged has seen the value that it replaced, at some moment of its own. */
async function put(actor: Actor, seen: FoundSecret | null): Promise<Acted> {
  const { id, address, replica, random } = actor
  const value = Buffer.from(makeValue(id, random))
  const options = { contentType: null, metadata: {}, ...(seen?.etag == null ? {} : { ifMatch: seen.etag }) }
  const acted = await write(actor, id, () => replica.secrets.put(address, value, options))
  const [record] = acted.record
  if (seen === null || record?.kind !== 'write' || record.told !== 'acknowledged') return acted
  return { ...acted, record: [record, sawBy(record, seen, replica)] }
}

const sawBy = ({ id, secret, from, to }: WriteRecord, seen: FoundSecret, replica: ReplicaProcess): ReadRecord => ({
  kind: 'read',
  id: `${id}c`,
  secret,
  from,
  to,
  value: identityOf(seen.value),
  note: `If-Match through ${replica.name}`,
  final: false,
})

/** Reads once; also for the last look at every secret. */
export async function get(
  { id, address, replica, clock }: Omit<Actor, 'random'>,
  final = false,
): Promise<{ readonly acted: Acted; readonly found: FoundSecret | null }> {
  const from = clock.monotonic()
  const record = (value: string | null, note: string): ReadRecord => {
    return { kind: 'read', id, secret: placeOf(address), from, to: clock.monotonic(), value, note, final }
  }
  try {
    const found = await replica.secrets.get(address)
    const note = `${replica.name}: ${found.served_by} in ${found.phase}, fallback ${found.fallback ?? 'none'}`
    const againstPhase = found.fallback !== null
    return { acted: { record: [record(identityOf(found.value), note)], code: null, againstPhase }, found }
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'secret-not-found') return { acted: { record: [], code, againstPhase: false }, found: null }
    const note = `${replica.name}: not found`
    return { acted: { record: [record(null, note)], code: null, againstPhase: false }, found: null }
  }
}

async function write(
  { id, address, replica, clock }: Actor,
  value: string | null,
  send: () => Promise<unknown>,
): Promise<Acted> {
  const from = clock.monotonic()
  const ended = (told: Told, code: string | null): Acted => {
    const note = `${replica.name}${code === null ? '' : `: ${code}`}`
    const secret = placeOf(address)
    const record: WriteRecord = { kind: 'write', id, secret, value, from, to: clock.monotonic(), told, note }
    return { record: [record], code, againstPhase: false }
  }
  try {
    await send()
    return ended('acknowledged', null)
  } catch (error) {
    return ended(isRefused(error) ? 'failed' : 'unknown', codeOf(error))
  }
}

/** Codes after which nobody knows whether the write was applied. */
const UNKNOWN: ReadonlySet<string> = new Set([
  'outcome-unknown',
  'server-unreachable',
  'answer-not-understood',
  'internal',
])

/** Certain: the server said so, or there was nobody to connect to. */
const isRefused = (error: unknown): boolean =>
  isFault(error) && (!UNKNOWN.has(error.code) || error.detail.endsWith('ECONNREFUSED'))

const codeOf = (error: unknown): string => (isFault(error) ? error.code : 'client-failed')
