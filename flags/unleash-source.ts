import { EventEmitter } from 'node:events'
import type { Clock } from '../core/clock.ts'
import { type FlagSnapshot, parseSnapshot } from './snapshot.ts'
import type { FlagSource, FlagSourceEvents, SourceProblem, SourceState } from './source.ts'
import { type Fetcher, startFetcher } from './unleash-fetcher.ts'

/*
 * Flags from an Unleash server, by unleash-client's polling, under a watchdog. The client stops polling for ever after
 * one 401 or 403 (measured), so it is thrown away and made anew some intervals after one, which asks at once. For the
 * same fate by other ways it is also made anew after a silence longer than any request: its own retries of one request
 * (two, of up to `REQUEST_TIMEOUT` each) must not be cut off, or their error would never be seen. Staleness is measured
 * on the monotonic clock.
 */

export interface UnleashSourceOptions {
  readonly url: string
  readonly tokenFile: string
  /** An answer that names another one is refused. */
  readonly environment: string
  /** ms between two requests. */
  readonly refresh: number
  /** ms without contact after which the flags count as stale. */
  readonly staleAfter: number
  /** Of this replica, for the server's list of connected applications. */
  readonly instance: string
  readonly clock: Clock
}

const REQUEST_TIMEOUT = 5_000
/** After a 401 or 403: so many intervals, but at least so many ms. */
const REFUSED_INTERVALS = 5
const REFUSED_FLOOR = 2_000
/** After neither an answer nor an error; the client's longest back-off is eleven intervals. */
const SILENT_INTERVALS = 20
const SILENT_FLOOR = 30_000
const DETAIL_LENGTH = 200

/** Begins to poll; does not wait for the first answer. */
export const makeUnleashSource = (options: UnleashSourceOptions): FlagSource => {
  const source = new UnleashSource(options)
  source.begin()
  return source
}

class UnleashSource implements FlagSource {
  readonly kind = 'unleash'
  readonly origin: string
  readonly events = new EventEmitter<FlagSourceEvents>()
  readonly #options: UnleashSourceOptions
  readonly #stopping = new AbortController()
  #fetcher: Fetcher | null = null
  #watching: Promise<void> = Promise.resolve()
  #snapshot: FlagSnapshot | null = null
  #state: SourceState = { lastSuccess: null, stale: true, error: null }
  /** On the monotonic clock: the last good news, and the last sign of life of any kind. */
  #heard = Number.NEGATIVE_INFINITY
  #signed = 0
  #refused = false

  constructor(options: UnleashSourceOptions) {
    this.#options = options
    this.origin = options.url
  }

  begin(): void {
    this.#fetch()
    this.#watching = this.#watch()
  }

  snapshot(): FlagSnapshot | null {
    return this.#snapshot
  }

  state(): SourceState {
    return this.#state
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#fetcher?.stop()
    await this.#watching
  }

  #fetch(): void {
    const { url, tokenFile, refresh, instance, clock } = this.#options
    this.#fetcher?.stop()
    this.#signed = clock.monotonic()
    this.#refused = false
    this.#fetcher = startFetcher({
      url,
      tokenFile,
      refresh,
      timeout: REQUEST_TIMEOUT,
      instance,
      onAnswer: (answer) => this.#judge(answer),
      onUnchanged: () => this.#hear(),
      onTrouble: (trouble) => this.#trouble(trouble),
    })
  }

  async #watch(): Promise<void> {
    const { clock, refresh } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await clock.sleep(refresh, signal).catch(() => {})
      if (!signal.aborted) this.#look(clock.monotonic())
    }
  }

  #look(now: number): void {
    const { staleAfter, refresh } = this.#options
    if (now - this.#heard > staleAfter) this.#become({ ...this.#state, stale: true })
    const patience = this.#refused
      ? Math.max(REFUSED_FLOOR, REFUSED_INTERVALS * refresh)
      : Math.max(SILENT_FLOOR, SILENT_INTERVALS * refresh)
    if (now - this.#signed > patience) this.#fetch()
  }

  #judge(answer: unknown): boolean {
    this.#signed = this.#options.clock.monotonic()
    if (this.#stopping.signal.aborted) return false
    const verdict = parseSnapshot(answer, this.#options.environment, { named: true })
    if (verdict.kind === 'refused') {
      this.#refuse(verdict.why, verdict.detail)
      return false
    }
    // Whether it moves anything is for its reader to see; the server sends an answer only when it has changed.
    this.#snapshot = verdict.snapshot
    this.#hear()
    this.events.emit('flags', verdict.snapshot)
    return true
  }

  #hear(): void {
    if (this.#snapshot === null) return
    this.#heard = this.#options.clock.monotonic()
    this.#signed = this.#heard
    this.#become({ lastSuccess: this.#options.clock.wall(), stale: false, error: null })
  }

  #trouble(trouble: Error | string): void {
    const said = trouble instanceof Error ? trouble.message : trouble
    const problem = problemOf(trouble, said)
    const detail = MISLEADING.reduce((text, [theirs, ours]) => text.replace(theirs, ours), said)
    this.#signed = this.#options.clock.monotonic()
    this.#refused = problem === 'unauthorised'
    this.#refuse(problem, detail)
  }

  #refuse(problem: SourceProblem, detail: string): void {
    if (this.#stopping.signal.aborted) return
    const error = `${this.origin}: ${detail.replaceAll(/\s+/g, ' ').slice(0, DETAIL_LENGTH)}`
    const repeated = this.#state.error === error
    this.#become({ ...this.#state, error })
    if (!repeated) this.events.emit('problem', problem, error)
  }

  #become(state: SourceState): void {
    const changed = state.stale !== this.#state.stale || state.error !== this.#state.error
    this.#state = state
    if (changed) this.events.emit('state', state)
  }
}

/** What the client says that is not so here: it is made anew, and a reset connection need not have been kept alive. */
const MISLEADING = [
  [/ which means your API key is not allowed to connect.*$/, ': the token is not known there, or not allowed'],
  [/^Socket keep alive error.*$/, 'the connection was reset'],
] as const

function problemOf(trouble: Error | string, detail: string): SourceProblem {
  if (/responded 40[13]/.test(detail)) return 'unauthorised'
  const malformed = trouble instanceof SyntaxError || /invalid json|neither a delta|Invalid API response/i.test(detail)
  return malformed ? 'malformed' : 'unreadable'
}
