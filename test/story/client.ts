import type { Address } from '../../backends/secret.ts'
import type { FoundSecret, SecretsClient, ServedBy } from '../../bin/cli/secrets-client.ts'
import type { Random } from '../../bin/embedded/sample/random.ts'
import { isFault } from '../../core/fault.ts'
import type { Told } from '../simulation/history.ts'
import type { Board, Goals, Kind } from './board.ts'
import { contentOf, servedContent, storedContents } from './content.ts'
import type { Etags } from './etags.ts'
import type { Expectations } from './expectations.ts'
import type { Findings } from './findings.ts'
import { makeValue, type Targets } from './targets.ts'

/** What all clients share. */
export interface World {
  readonly client: SecretsClient
  readonly expectations: Expectations
  readonly etags: Etags
  readonly findings: Findings
  readonly targets: Targets
  readonly board: Board
  /** What clients may count on now. */
  readonly promised: { conditionalWrites: boolean }
}

/** How a request ended that was not refused; `served` is null where "not found" was the right answer. */
type Done = { readonly kind: 'done'; readonly served: ServedBy | null }
/** Somebody else wrote the secret between our read and our conditional write: expected of clients that overlap. */
type Outpaced = { readonly kind: 'outpaced' }
/** A conditional write of an integration that is not enrolled, where its store cannot compare. */
type Unsupported = { readonly kind: 'unsupported' }

/** Refusals that a story ends at, since nothing is learnt from more of them. */
const TOO_MANY = 25
/** Of a hundred writes, so many go out only if the secret is still what was read before. */
const CONDITIONAL = 20

/** One client: a request after the other, until the signal is aborted. Rejects if the system is not usable. */
export async function act(world: World, mix: readonly Kind[], random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const kind = random.pick(mix)
    const mark = world.board.mark()
    try {
      const done = await ACTS[kind](world, random)
      if (done.kind === 'done') world.board.count(mark, kind, done.served)
    } catch (error) {
      if (!isFault(error)) throw error
      world.board.refuse(error.code)
      const refusals = [...world.board.refused.values()].reduce((sum, n) => sum + n, 0)
      if (refusals >= TOO_MANY) throw error
    }
  }
}

/** Requests in the proportion of the goals, with twice as many reads. */
export function makeMix({ writes, deletes }: Goals): readonly Kind[] {
  const share = Math.max(1, Math.ceil((100 * deletes) / (writes + deletes)))
  const of = (kind: Kind, count: number): readonly Kind[] => Array<Kind>(count).fill(kind)
  return [...of('read', 200), ...of('write', 100 - share), ...of('delete', share)]
}

const ACTS: Readonly<Record<Kind, (world: World, random: Random) => Promise<Done | Outpaced | Unsupported>>> = {
  read: async (world, random) => {
    const served = await readChecked(world, world.targets.toRead(random), 'traffic')
    return { kind: 'done', served }
  },
  write: async (world, random) => {
    const address = world.targets.toWrite(random)
    return random.chance(CONDITIONAL) ? replace(world, address, random) : put(world, address, random, undefined)
  },
  delete: async (world, random) => {
    const address = world.targets.toDelete(random)
    // A store without a fence takes a delete only while nothing else is open: it may wait too long for that.
    return unlessOutpaced(world, address, async () => {
      const ended = world.expectations.write(address, null)
      return { kind: 'done', served: await told(ended, () => world.client.remove(address, {})) }
    })
  },
}

/** Reads and judges what came; null for "not found". */
export async function readChecked(
  { client, expectations, etags, findings }: Pick<World, 'client' | 'expectations' | 'etags' | 'findings'>,
  address: Address,
  where: 'traffic' | 'proxy',
): Promise<FoundSecret | null> {
  const judge = expectations.read(address)
  const found = await client.get(address).catch((error: unknown) => {
    if (isFault(error) && error.code === 'secret-not-found') return null
    throw error
  })
  findings.add(address, judge(found === null ? [null] : storedContents(found)), where)
  if (found !== null) etags.see(address, servedContent(found), found.etag)
  return found
}

async function put(
  { client, expectations, etags }: World,
  address: Address,
  random: Random,
  ifMatch: string | undefined,
): Promise<Done> {
  const stored = makeValue(address, random)
  const ended = expectations.write(address, contentOf(stored))
  const options = { contentType: stored.contentType, metadata: stored.metadata }
  const condition = ifMatch === undefined ? {} : { ifMatch }
  const served = await told(ended, () => client.put(address, stored.value, { ...options, ...condition }))
  etags.see(address, servedContent(stored), served.etag)
  return { kind: 'done', served }
}

/** A write that goes out only if the secret is still what was read. */
async function replace(world: World, address: Address, random: Random): Promise<Done | Outpaced | Unsupported> {
  const { conditionalWrites } = world.promised
  return unlessOutpaced(world, address, async () => {
    const found = await readChecked(world, address, 'traffic')
    if (found?.etag == null) return put(world, address, random, undefined)
    try {
      return await put(world, address, random, found.etag)
    } catch (error) {
      const isUnsupported = isFault(error) && error.code === 'conditional-write-unsupported'
      if (isUnsupported && !conditionalWrites) return { kind: 'unsupported' }
      throw error
    }
  })
}

/** A refusal is expected where somebody else wrote the same secret meanwhile. */
async function unlessOutpaced<T>(
  { expectations }: World,
  address: Address,
  work: () => Promise<T>,
): Promise<T | Outpaced> {
  const before = expectations.activity(address)
  try {
    return await work()
  } catch (error) {
    const isRefusal = isFault(error) && OUTPACED.has(error.code)
    // Our own begin and end are two changes; any more, or a write on its way from before, are somebody else's.
    const others = expectations.activity(address).changes - before.changes - 2
    if (isRefusal && (others > 0 || before.open > 0)) return { kind: 'outpaced' }
    throw error
  }
}

const OUTPACED: ReadonlySet<string> = new Set(['precondition-failed', 'operation-in-progress'])

/** Tells the history how a write ended: refused for certain, or nobody knows. */
async function told<T>(ended: (told: Told) => void, send: () => Promise<T>): Promise<T> {
  try {
    const answer = await send()
    ended('acknowledged')
    return answer
  } catch (error) {
    ended(isFault(error) && !UNKNOWN.has(error.code) ? 'failed' : 'unknown')
    throw error
  }
}

const UNKNOWN: ReadonlySet<string> = new Set(['outcome-unknown', 'server-unreachable', 'answer-not-understood'])
