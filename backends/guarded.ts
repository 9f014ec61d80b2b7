/**
 * What stands around every store, so that one that fails or hangs costs its callers a bounded time and nothing else:
 *
 *   deadline -> bulkhead (so many at once, so many waiting, the rest refused) -> one retry of a read -> breaker -> store
 *
 * There is one for reads and one for writes. It counts failures of the store only, never a conflict, a refusal of a value, or a caller that left. While it is
 * open a call is refused as `unavailable` at once, and a ping of our own, no call of a client, finds out when the store is
 * back (`backends/breaker.ts`). A write is sent at most once: one that was sent and had no answer in time is `unknown`,
 * and the store's adapter is the one to say so, since it knows what was sent.
 */
import { BulkheadRejectedError, bulkhead, handleWhenResult, retry } from 'cockatiel'
import type { Clock } from '../core/clock.ts'
import { unlessAborted } from './abort.ts'
import { type Alarm, DEADLINE_PASSED, makeAlarm } from './alarm.ts'
import { type Answers, answersTo, itself } from './answers.ts'
import { makeBreakers } from './breakers.ts'
import type { BackendsMetrics } from './metrics.ts'
import { isStoreFailure, isThrottled, type Outcome, outcomeLabel } from './outcome.ts'
import { type Address, addressKey, type Secret } from './secret.ts'
import type { Call, GetOutcome, PutOutcome, PutRequest, RefusalReason, Store } from './store.ts'

export interface Limits {
  /** Longest that one call may take, in ms. */
  readonly deadline: number
  readonly breaker: { readonly failures: number; readonly reset: number }
  readonly concurrency: { readonly max: number; readonly queue: number }
}

export interface GuardDeps {
  readonly clock: Clock
  readonly metrics: BackendsMetrics
  /** Told of each call that has ended. */
  readonly onCall?: (call: StoreCallSeen) => void
  /** Whether the store may be used; asked before every call but a ping. Refused ones are `unavailable`, and never sent. */
  readonly admits?: (store: string) => boolean | Promise<boolean>
}

/** One call, as whoever called saw it: queue and retry included. */
export interface StoreCallSeen {
  readonly store: string
  readonly op: string
  /** Secrets of the call, or names that were listed. */
  readonly secrets: number
  readonly ms: number
  /** Nothing came of it because of the store. */
  readonly failed: boolean
  /** The store asks to be asked less often. */
  readonly throttled: boolean
  /** ms for which it wants to be left alone. */
  readonly pause: number
}

interface Refusals<R> {
  readonly refuse: (reason: RefusalReason) => R
  readonly lost: R
}
const READ = {
  refuse: (reason: RefusalReason) => ({ kind: 'error', reason, passing: true }) as const,
  lost: { kind: 'error', reason: 'timeout', passing: true } as const,
}
const WRITE = {
  refuse: (reason: RefusalReason) => ({ kind: 'refused', reason }) as const,
  lost: { kind: 'unknown', reason: 'timeout' } as const,
}

type Op = 'get' | 'getMany' | 'put' | 'putMany' | 'remove' | 'scan' | 'ping'

/** Reads change nothing, so they may be sent twice. */
const RETRIED: ReadonlySet<Op> = new Set(['get', 'getMany', 'scan'])
const WRITES: ReadonlySet<Op> = new Set(['put', 'putMany', 'remove'])

/** One call on its way through the guard. */
interface Passage<Q, R extends Outcome> {
  readonly op: Op
  readonly call: Call
  /** The secrets of the call, or whatever is asked about. */
  readonly questions: readonly Q[]
  readonly keyOf: (question: Q) => unknown
  readonly send: (call: Call) => Promise<Answers<Q, R>>
  /** The outcome, for each question, of not having been sent. */
  readonly refuse: (reason: RefusalReason) => R
  /** The outcome, for each question, of having been sent and not answered in time. */
  readonly lost: R
}

const outcomesOf = <Q, R extends Outcome>({ questions }: Passage<Q, R>, answers: Answers<Q, R>): readonly R[] =>
  questions.map((question) => answers.of(question))

const refuseAll = <Q, R extends Outcome>(passage: Passage<Q, R>, reason: RefusalReason): Answers<Q, R> =>
  answersTo(passage.questions, passage.keyOf, () => passage.refuse(reason))

export function guardStore(store: Store, limits: Limits, deps: GuardDeps): Store {
  const alarm = makeAlarm(deps.clock)
  const attempts = makeAttempts(store, limits, deps, alarm)
  const pass = makePassing(store, limits, deps, alarm, attempts)
  const single = async <R extends Outcome>(
    op: Op,
    call: Call,
    send: (call: Call) => Promise<R>,
    no: Refusals<NoInfer<R>>,
  ) => {
    const questions = [op] as const
    const answered = async (inner: Call): Promise<Answers<Op, R>> => {
      const outcome = await send(inner)
      return answersTo(questions, itself, () => outcome)
    }
    const passage: Passage<Op, R> = { op, call, questions, keyOf: itself, send: answered, ...(no as Refusals<R>) }
    return (await pass(passage)).of(op)
  }
  const wrote = ({ kind }: PutOutcome, { value }: Secret): void => {
    if (kind === 'done' && value.size > 0)
      deps.metrics.values.inc({ store: store.name, direction: 'written' }, value.size)
  }
  return {
    name: store.name,
    kind: store.kind,
    capabilities: store.capabilities,
    ...(store.keys && { keys: store.keys }),
    ...(store.names && { names: (address) => store.names?.(address) ?? true }),
    get: (address, call) => single('get', call, (inner) => store.get(address, inner), READ),
    getMany: (addresses, call) =>
      pass<Address, GetOutcome>({
        op: 'getMany',
        call,
        questions: addresses,
        keyOf: addressKey,
        send: (inner) => store.getMany(addresses, inner),
        ...READ,
      }),
    put: async (address, secret, condition, call) => {
      const outcome = await single('put', call, (inner) => store.put(address, secret, condition, inner), WRITE)
      wrote(outcome, secret)
      return outcome
    },
    putMany: async (puts, call) => {
      const answers = await pass<PutRequest, PutOutcome>({
        op: 'putMany',
        call,
        questions: puts,
        keyOf: itself,
        send: (inner) => store.putMany(puts, inner),
        ...WRITE,
      })
      for (const put of puts) wrote(answers.of(put), put.secret)
      return answers
    },
    remove: (address, condition, call) =>
      single('remove', call, (inner) => store.remove(address, condition, inner), WRITE),
    scan: (integration, page, call) => single('scan', call, (inner) => store.scan(integration, page, inner), READ),
    ping: (call) => single('ping', call, (inner) => store.ping(inner), READ),
    ...(store.unaddressable && {
      unaddressable: (integration, call) =>
        store.unaddressable?.(integration, call) ?? Promise.resolve({ kind: 'counted', counts: [] }),
    }),
    ...(store.holds && { holds: (secret) => store.holds?.(secret) ?? null }),
    ...(store.verdict && { verdict: store.verdict }),
    ...(store.judge && { judge: store.judge }),
    ...(store.pause && { pause: store.pause }),
    identity: (call, make) => store.identity(call, make),
    check: (call, depth) => store.check(call, depth),
    close: () => {
      attempts.close()
      alarm.close()
      return store.close()
    },
  }
}

/** Deadline and metrics around the bulkhead. */
function makePassing(
  { name, pause }: Pick<Store, 'name' | 'pause'>,
  limits: Limits,
  { clock, metrics, onCall, admits = () => true }: GuardDeps,
  alarm: Alarm,
  { attempt }: ReturnType<typeof makeAttempts>,
) {
  const slots = bulkhead(limits.concurrency.max, limits.concurrency.queue)

  /** What waits in the queue when its time is over is never sent. */
  const inTurn = <Q, R extends Outcome>(passage: Passage<Q, R>, signal: AbortSignal): Promise<Answers<Q, R>> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answers<Q, R>>()
    const giveUp = (): void => resolve(refuseAll(passage, 'unavailable'))
    signal.addEventListener('abort', giveUp)
    const task = (): Answers<Q, R> | Promise<Answers<Q, R>> => {
      if (signal.aborted) return refuseAll(passage, 'unavailable')
      signal.removeEventListener('abort', giveUp)
      return attempt(passage)
    }
    slots.execute(task).then(resolve, (error: unknown) => {
      signal.removeEventListener('abort', giveUp)
      if (error instanceof BulkheadRejectedError) resolve(refuseAll(passage, 'unavailable'))
      else reject(error)
    })
    return promise
  }

  return async <Q, R extends Outcome>(passage: Passage<Q, R>): Promise<Answers<Q, R>> => {
    const { op, call } = passage
    const start = clock.monotonic()
    const deadline = Math.min(call.deadline, start + limits.deadline)
    const landBy = call.landBy ?? call.deadline
    let answers: Answers<Q, R>
    if (deadline <= start) answers = refuseAll(passage, 'late')
    else {
      const armed = alarm.arm(deadline, call.signal)
      metrics.inFlight.inc({ store: name })
      try {
        const admitted = op === 'ping' || admits(name)
        answers = (typeof admitted === 'boolean' ? admitted : await unlessAborted(admitted, armed.signal, false))
          ? await inTurn({ ...passage, call: { deadline, landBy, signal: armed.signal } }, armed.signal)
          : refuseAll(passage, 'unavailable')
      } finally {
        armed.disarm()
        metrics.inFlight.dec({ store: name })
      }
    }
    const outcomes = outcomesOf(passage, answers)
    const ms = clock.monotonic() - start
    metrics.latency.observe({ store: name, op }, ms / 1000)
    for (const outcome of outcomes) metrics.outcomes.inc({ store: name, op, outcome: outcomeLabel(outcome) })
    const throttled = outcomes.some(isThrottled)
    const pauseMs = pause?.() ?? 0
    const told = { store: name, op, secrets: countOf(outcomes), ms }
    onCall?.({ ...told, failed: hasFailed(outcomes), throttled, pause: pauseMs })
    const read = outcomes.reduce((sum, outcome) => sum + sizeOf(outcome), 0)
    if (read > 0) metrics.values.inc({ store: name, direction: 'read' }, read)
    return answers
  }
}

/** Bytes that a read brought. */
const sizeOf = (outcome: Outcome): number =>
  outcome.kind === 'found' && 'secret' in outcome ? (outcome.secret as Secret).value.size : 0

const countOf = (outcomes: readonly Outcome[]): number =>
  outcomes.reduce((sum, outcome) => sum + (outcome.kind === 'page' ? outcome.entries.length : 1), 0)

const hasFailed = (outcomes: readonly Outcome[]): boolean => outcomes.length > 0 && outcomes.every(isStoreFailure)

interface Sent<Q, R> {
  readonly answers: Answers<Q, R>
  readonly failed: boolean
}

/** The breakers, and one retry of a read that met a broken connection. */
function makeAttempts(store: Store, limits: Limits, deps: GuardDeps, alarm: Alarm) {
  const { metrics } = deps
  const { name } = store
  const breakers = makeBreakers(store, limits, deps, alarm)
  const once = async <Q, R extends Outcome>(passage: Passage<Q, R>): Promise<Sent<Q, R>> => {
    const { op, call, questions, keyOf, send, lost } = passage
    const sent = await (WRITES.has(op) ? breakers.writes : breakers.reads).attempt(async () => {
      const answers = await answerOr(() => answersTo(questions, keyOf, () => lost), send(call), call.signal)
      return { answers, failed: hasFailed(outcomesOf(passage, answers)) && !leftEarly(call) }
    })
    return sent ?? { answers: refuseAll(passage, 'unavailable'), failed: false }
  }
  const again = retry(
    handleWhenResult((sent) => (sent as Sent<unknown, Outcome>).failed),
    { maxAttempts: 1 },
  )
  return {
    attempt: async <Q, R extends Outcome>(passage: Passage<Q, R>): Promise<Answers<Q, R>> => {
      if (!RETRIED.has(passage.op)) return (await once(passage)).answers
      const { answers } = await again.execute(({ attempt }) => {
        if (attempt > 0) metrics.retries.inc({ store: name, op: passage.op })
        return once(passage)
      }, passage.call.signal)
      return answers
    },
    close: () => {
      breakers.reads.close()
      breakers.writes.close()
    },
  }
}

/** What was sent may answer for itself when its time is over, but only at once. */
function answerOr<R>(lost: () => R, answer: Promise<R>, signal: AbortSignal | undefined): Promise<R> {
  if (!signal) return answer
  const { promise, resolve, reject } = Promise.withResolvers<R>()
  const giveUp = (): void => void setImmediate(() => resolve(lost()))
  if (signal.aborted) giveUp()
  else signal.addEventListener('abort', giveUp)
  answer.finally(() => signal.removeEventListener('abort', giveUp)).then(resolve, reject)
  return promise
}

/** A caller that went away says nothing about the store; a deadline that passed does. */
const leftEarly = ({ signal }: Call): boolean => signal?.aborted === true && signal.reason !== DEADLINE_PASSED
