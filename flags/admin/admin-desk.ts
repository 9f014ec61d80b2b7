import PQueue from 'p-queue'
import { type Fault, isFault } from '../../core/fault.ts'
import { flagName } from '../definition.ts'
import type { Ask, Difference, FlagDesk, Look, Watch, Written } from '../desk.ts'
import { flagsFault } from '../faults.ts'
import { strategyKey } from './alike.ts'
import type { AdminApi, HeldFlag } from './api.ts'
import { afterCall, type HeldStrategy } from './plan.ts'
import { FINISHED, type FlagCall, UNFINISHED, type Work, workOn } from './work.ts'

/*
 * Writes flags over Unleash's admin API. It knows no conditional write, so each flag is read just before it is changed,
 * again before the one call that moves everybody, and once more at the end; of two who write at once, one is told so.
 * Within this process each flag has one writer at a time.
 *
 * A flag that is made exists for a moment before it is switched on, and a flag that is switched off asks for `off`. With a
 * personal token it is imported instead, whole, in one transaction; an admin token may not. Then it is made step by step,
 * but only where the server never had a flag of this name: nobody can be at a phase that this moment would end.
 */

export interface AdminDeskOptions {
  readonly api: AdminApi
  /** At most so many flags change between two looks of clients: more would be held by their `max_moves`. */
  readonly batch: number
  /** Resolves when clients have seen what was written; called between two batches. */
  readonly pause: (signal?: AbortSignal) => Promise<void>
}

const AT_ONCE = 4

export const makeAdminDesk = (options: AdminDeskOptions): FlagDesk => {
  const { api, batch, pause } = options
  const writer = makeWriter(api)
  const looked = (ask: Ask): Promise<Look> => attempt(async () => lookOf(await read(api, ask)))

  const write = async (asks: readonly Ask[], { signal, onWritten }: Watch = {}): Promise<readonly Written[]> => {
    const results = new Map<Ask, Written>()
    const end = (ask: Ask, written: Written): void => {
      results.set(ask, written)
      onWritten?.(ask.integration, written)
    }
    const looks = await inParallel(asks, looked)
    const differing = asks.filter((ask, index) => {
      const look = looks[index] as Look
      if (look.kind !== 'differs') end(ask, look)
      return look.kind === 'differs'
    })
    if (differing.length > 0) await ensureContext(api)
    for (let from = 0; from < differing.length && !signal?.aborted; from += batch) {
      if (from > 0) await pause(signal).catch(() => undefined)
      if (signal?.aborted) break
      await inParallel(differing.slice(from, from + batch), async (ask) => end(ask, await writer(ask)))
    }
    for (const ask of differing) if (!results.has(ask)) end(ask, { kind: 'left' })
    return asks.map((ask) => results.get(ask) as Written)
  }
  return { kind: 'unleash', origin: api.origin, look: (asks) => inParallel(asks, looked), write }
}

const inParallel = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> => {
  const queue = new PQueue({ concurrency: AT_ONCE })
  return Promise.all(items.map((item) => queue.add(() => work(item)) as Promise<R>))
}

const read = async (api: AdminApi, ask: Ask): Promise<Work> => workOn(ask, await api.flag(flagName(ask.integration)))

const lookOf = (work: Work): Look => {
  if (work.kind !== 'differs') return work
  const { before, after, notes } = work
  return { kind: 'differs', before, after, notes }
}

type Failed = { readonly kind: 'failed'; readonly fault: Fault }

async function attempt<T>(work: () => Promise<T>): Promise<T | Failed> {
  try {
    return await work()
  } catch (error) {
    if (isFault(error)) return { kind: 'failed', fault: error }
    throw error
  }
}

/** One writer of each flag at a time. */
function makeWriter(api: AdminApi): (ask: Ask) => Promise<Written> {
  const last = new Map<string, Promise<unknown>>()
  return (ask) => {
    const previous = last.get(ask.integration) ?? Promise.resolve()
    const mine = previous.then(() => attempt(() => writeOne(api, ask)))
    last.set(
      ask.integration,
      mine.catch(() => undefined),
    )
    return mine
  }
}

async function writeOne(api: AdminApi, ask: Ask): Promise<Written> {
  const name = flagName(ask.integration)
  const held = await api.flag(name)
  const work = workOn(ask, held)
  if (work.kind !== 'differs') return work
  const { before, after, notes, calls } = work
  if (held === null) await make(api, name, work, calls)
  else await run(api, name, held, calls)
  const left = await read(api, ask)
  if (left.kind === 'differs') throw disturbed(name)
  return { kind: 'written', before, after, notes }
}

async function make(api: AdminApi, name: string, { after }: Difference, calls: readonly FlagCall[]): Promise<void> {
  const last = await api.lastEvent(name)
  if (last?.type === 'feature-archived') throw flagsFault('flag-not-editable', `${name}: ${ARCHIVED}`)
  if (await api.isPersonal()) {
    await api.importFlag(name, FINISHED, after.strategies)
    return
  }
  if (last !== null) throw flagsFault('flag-not-editable', `${name}: ${WAS_THERE}`)
  await run(api, name, { strategies: [] }, calls)
}

const ARCHIVED = 'it is archived in Unleash: revive or delete it there'

const WAS_THERE =
  'a flag of this name was there before, so customers may hold its last phase; only a personal token (--unleash-token-file) can make it again in one moment'

async function run(
  api: AdminApi,
  name: string,
  held: Pick<HeldFlag, 'strategies'>,
  calls: readonly FlagCall[],
): Promise<void> {
  let expected: readonly HeldStrategy[] = held.strategies
  const ids = new Map<string, string>()
  const idOf = (place: string): string => ids.get(place) ?? place
  for (const call of calls) {
    switch (call.kind) {
      case 'make':
        await api.makeFlag(name, UNFINISHED)
        break
      case 'add':
        ids.set(call.at, await api.addStrategy(name, call.strategy))
        expected = [...expected, { ...call.strategy, id: idOf(call.at), disabled: false }]
        break
      case 'order': {
        await assertUndisturbed(api, name, expected)
        const order = { kind: 'order', ids: call.ids.map(idOf) } as const
        await api.orderStrategies(name, order.ids)
        expected = afterCall(expected, order)
        break
      }
      case 'change':
        await api.changeStrategy(name, call.id, call.strategy)
        expected = afterCall(expected, call)
        break
      case 'remove':
        await api.removeStrategy(name, call.id)
        expected = afterCall(expected, call)
        break
      default:
        await rest(api, name, call)
    }
  }
}

type OtherCall = Exclude<FlagCall, { kind: 'make' | 'add' | 'order' | 'change' | 'remove' }>

const rest = (api: AdminApi, name: string, call: OtherCall): Promise<unknown> => {
  switch (call.kind) {
    case 'no-impressions':
      return api.patchFlag(name, 'impressionData', false)
    case 'no-parents':
      return api.removeParents(name)
    case 'no-variants':
      return api.clearVariants(name)
    case 'switch':
      return api.switchTo(name, call.enabled)
    case 'made':
      return api.patchFlag(name, 'description', FINISHED)
  }
}

/** The order to come was worked out for exactly these. */
async function assertUndisturbed(api: AdminApi, name: string, expected: readonly HeldStrategy[]): Promise<void> {
  const now = await api.flag(name)
  const listed = (strategies: readonly HeldStrategy[]) => strategies.map((s) => `${s.id} ${strategyKey(s)}`).join('\n')
  if (now === null || listed(now.strategies) !== listed(expected)) throw disturbed(name)
}

const disturbed = (name: string) => flagsFault('flag-disturbed', name)

const FIELDS = [
  ['customerId', 'Of Crossfade: the customer, on whom shares are sticky.', true],
  ['cohort', 'Of Crossfade: the group of customers, as its configuration names it.', false],
  ['integration', 'Of Crossfade: the third party whose secrets move.', false],
] as const

/** What the ladders name must be known, or Unleash's own pages cannot show or edit them. */
async function ensureContext(api: AdminApi): Promise<void> {
  for (const [name, description, stickiness] of FIELDS) {
    if (await api.hasContextField(name)) continue
    // Another writer may have been quicker.
    await api.addContextField(name, description, stickiness).catch(async (error: unknown) => {
      if (!(await api.hasContextField(name))) throw error
    })
  }
}
