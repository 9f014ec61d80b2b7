/**
 * Judges a store while it is served: its own check is asked at the start, after what may be a sign of a change (a refusal, a
 * connection that broke), and again and again while it finds something. An error in it stops the calls that it would spoil,
 * before anything is sent: a mapping that could answer one secret with another's value serves nobody. A check that could not
 * be run stops nothing: a store that is down is the guard's matter.
 */
import type { Clock } from '../core/clock.ts'
import { answersTo, byAddress, itself } from './answers.ts'
import type { Outcome } from './outcome.ts'
import type { GetOutcome, PutOutcome, RefusalReason, Store, StoreProblem, UnknownReason } from './store.ts'

/** What a store's own check said last. */
export interface Verdict {
  /** Everything that is wrong, in one sentence; null: nothing, or nobody has said yet. */
  readonly detail: string | null
  /** `nothing`: it could not be asked, or it may end by itself. */
  readonly stops: 'all' | 'writes' | 'nothing'
}

export interface JudgedStore extends Store {
  verdict(): Verdict
  /** Asks now. Never rejects. */
  judge(): Promise<void>
}

export interface JudgeOptions {
  readonly clock: Clock
  /** Told when what the check says has changed. */
  readonly onVerdict: (store: string, verdict: Verdict) => void
}

const FINE: Verdict = { detail: null, stops: 'nothing' }
/** While something is wrong: how often it is looked at again. */
const AGAIN_MS = 5_000
/** Longest that one check may take. */
const PATIENCE_MS = 5_000
const LONGEST = 500

/** After these the store may be another one than before: altered, moved, or with other rights. */
const SIGNS: ReadonlySet<RefusalReason | UnknownReason> = new Set([
  'rejected',
  'denied',
  'unavailable',
  'connection-lost',
  'timeout',
])

export function judgeStore(store: Store, { clock, onVerdict }: JudgeOptions): JudgedStore {
  const closed = new AbortController()
  let verdict = FINE
  let running: Promise<void> | null = null
  let isWaiting = false
  let lookedAt = Number.NEGATIVE_INFINITY

  const look = async (): Promise<void> => {
    lookedAt = clock.monotonic()
    const call = { deadline: lookedAt + PATIENCE_MS, signal: AbortSignal.timeout(PATIENCE_MS) }
    const next = verdictOf(await store.check(call).catch((): readonly StoreProblem[] => UNCHECKED))
    // What was found stands until the store itself says otherwise.
    const kept = next.stops === 'nothing' && next.detail !== null && verdict.stops !== 'nothing' ? verdict : next
    const isNews = kept.detail !== verdict.detail || kept.stops !== verdict.stops
    verdict = kept
    if (isNews && !closed.signal.aborted) onVerdict(store.name, verdict)
    if (verdict.detail !== null) again()
  }
  const judge = (): Promise<void> => {
    running ??= look().finally(() => {
      running = null
    })
    return running
  }
  const again = (): void => {
    if (isWaiting) return
    isWaiting = true
    const wait = Math.max(0, lookedAt + AGAIN_MS - clock.monotonic())
    clock.sleep(wait, closed.signal).then(
      () => {
        isWaiting = false
        void judge()
      },
      () => undefined,
    )
  }
  const heard = (outcome: Outcome): void => {
    if ('reason' in outcome && SIGNS.has(outcome.reason as RefusalReason)) again()
  }
  const told = async <O extends Outcome>(outcome: Promise<O>): Promise<O> => {
    const said = await outcome
    heard(said)
    return said
  }
  const unread = (): GetOutcome & { kind: 'error' } => ({
    kind: 'error',
    reason: 'unfit',
    passing: true,
    ...saying(verdict),
  })
  const unwritten = (): PutOutcome => ({ kind: 'refused', reason: 'unfit', ...saying(verdict) })
  const isReadable = (): boolean => verdict.stops !== 'all'
  const isWritable = (): boolean => verdict.stops === 'nothing'

  return {
    ...store,
    verdict: () => verdict,
    judge,
    get: async (address, call) => (isReadable() ? told(store.get(address, call)) : unread()),
    getMany: async (addresses, call) => {
      if (!isReadable()) return byAddress(addresses, unread)
      const answers = await store.getMany(addresses, call)
      for (const address of addresses) heard(answers.of(address))
      return answers
    },
    put: async (address, secret, condition, call) =>
      isWritable() ? told(store.put(address, secret, condition, call)) : unwritten(),
    putMany: async (puts, call) => {
      if (!isWritable()) return answersTo(puts, itself, unwritten)
      const answers = await store.putMany(puts, call)
      for (const put of puts) heard(answers.of(put))
      return answers
    },
    remove: async (address, condition, call) =>
      isWritable() ? told(store.remove(address, condition, call)) : unwritten(),
    scan: async (integration, page, call) => (isReadable() ? told(store.scan(integration, page, call)) : unread()),
    close: () => {
      closed.abort()
      return store.close()
    },
  }
}

const UNCHECKED: readonly StoreProblem[] = [{ level: 'error', message: 'its check could not be run', passing: true }]

function verdictOf(problems: readonly StoreProblem[]): Verdict {
  const errors = problems.filter(({ level }) => level === 'error')
  if (errors.length === 0) return FINE
  const lasting = errors.filter(({ passing }) => passing !== true)
  const stops = lasting.some(({ stops: only }) => only === undefined)
    ? 'all'
    : lasting.length > 0
      ? 'writes'
      : 'nothing'
  const detail = errors.map(({ message }) => message).join('; ')
  return { stops, detail: detail.length > LONGEST ? `${detail.slice(0, LONGEST)}...` : detail }
}

const saying = ({ detail }: Verdict): { readonly detail: string } => ({ detail: detail ?? '' })
