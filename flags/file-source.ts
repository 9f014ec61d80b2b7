import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { type FSWatcher, watch } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { type FlagSnapshot, parseSnapshot } from './snapshot.ts'
import type { FlagSource, FlagSourceEvents, SourceProblem, SourceState } from './source.ts'

/*
 * The folder is watched, not the file: a rename over the file (the atomic way to write it) ends a watch of the file
 * itself. A watch may also be silent (network folders, no inotify handle left), so the file's stat is looked at every
 * `poll` as well. Checks never overlap; one asked for while another runs is done after it.
 */

export interface FileSourceOptions {
  readonly path: string
  /** Refuse a file whose `query.environment` names another one; null accepts any. */
  readonly environment?: string | null
  /** How often to look where the watch is silent, in ms. */
  readonly poll?: number
  readonly clock: Clock
}

type Reading =
  | { readonly kind: 'same' }
  | { readonly kind: 'snapshot'; readonly snapshot: FlagSnapshot; readonly mark: string; readonly digest: string }
  | { readonly kind: 'problem'; readonly problem: SourceProblem; readonly detail: string; readonly mark: string | null }

const DEFAULT_POLL = 500

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Reads the file once before it resolves; a file that is missing or malformed is a state, not an error. */
export const makeFileSource = async (options: FileSourceOptions): Promise<FlagSource> => {
  const source = new FileSource(options)
  await source.begin()
  return source
}

class FileSource implements FlagSource {
  readonly kind = 'file'
  readonly origin: string
  readonly events = new EventEmitter<FlagSourceEvents>()
  readonly #options: FileSourceOptions
  readonly #stopping = new AbortController()
  #snapshot: FlagSnapshot | null = null
  #state: SourceState = { lastSuccess: null, stale: true, error: null }
  /** Of the file last looked at: while it is the same, the file is not read again. */
  #mark: string | null = null
  #digest: string | null = null
  #watcher: FSWatcher | null = null
  readonly #check = oneAtATime(() => this.#checkOnce())
  #polling: Promise<void> = Promise.resolve()

  constructor(options: FileSourceOptions) {
    this.#options = options
    this.origin = options.path
  }

  async begin(): Promise<void> {
    this.#watchFolder()
    await this.#check()
    this.#polling = this.#poll()
  }

  snapshot(): FlagSnapshot | null {
    return this.#snapshot
  }

  state(): SourceState {
    return this.#state
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#watcher?.close()
    await this.#polling
    await this.#check()
  }

  #watchFolder(): void {
    const file = basename(this.#options.path)
    try {
      this.#watcher = watch(dirname(this.#options.path), { persistent: false }, (_event, name) => {
        if (name === null || name === file) void this.#check()
      })
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      this.#watcher = null
    }
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#options.clock.sleep(this.#options.poll ?? DEFAULT_POLL, signal).catch(() => {})
      if (!signal.aborted) await this.#check()
    }
  }

  async #checkOnce(): Promise<void> {
    if (!this.#stopping.signal.aborted) this.#take(await this.#read())
  }

  async #read(): Promise<Reading> {
    try {
      const { ctimeMs, size, ino } = await stat(this.#options.path)
      const mark = `${ctimeMs}:${size}:${ino}`
      if (mark === this.#mark) return { kind: 'same' }
      return this.#judge(await readFile(this.#options.path, 'utf8'), mark)
    } catch (error) {
      // Without a mark it is tried again at every look: what kept it from being read may pass by itself.
      return { kind: 'problem', problem: 'unreadable', detail: messageOf(error), mark: null }
    }
  }

  #judge(text: string, mark: string): Reading {
    try {
      const answer = parseSnapshot(JSON.parse(text), this.#options.environment ?? null)
      if (answer.kind === 'refused') return { kind: 'problem', problem: answer.why, detail: answer.detail, mark }
      const digest = createHash('sha256').update(text).digest('base64url')
      return { kind: 'snapshot', snapshot: answer.snapshot, mark, digest }
    } catch (error) {
      return { kind: 'problem', problem: 'malformed', detail: messageOf(error), mark }
    }
  }

  #take(reading: Reading): void {
    if (reading.kind === 'same') this.#confirm()
    else {
      this.#mark = reading.mark
      if (reading.kind === 'problem') this.#refuse(reading.problem, reading.detail)
      else this.#accept(reading.snapshot, reading.digest)
    }
  }

  #accept(snapshot: FlagSnapshot, digest: string): void {
    const changed = digest !== this.#digest
    this.#digest = digest
    this.#snapshot = snapshot
    this.#become({ lastSuccess: this.#options.clock.wall(), stale: false, error: null })
    if (changed) this.events.emit('flags', snapshot)
  }

  /** The file is the one last looked at: current if it was good, still refused if it was not. */
  #confirm(): void {
    if (this.#state.error === null) this.#state = { ...this.#state, lastSuccess: this.#options.clock.wall() }
  }

  #refuse(problem: SourceProblem, detail: string): void {
    const error = `${this.#options.path}: ${detail}`
    const repeated = this.#state.error === error
    this.#become({ ...this.#state, stale: true, error })
    if (!repeated) this.events.emit('problem', problem, error)
  }

  #become(state: SourceState): void {
    const changed = state.stale !== this.#state.stale || state.error !== this.#state.error
    this.#state = state
    if (changed) this.events.emit('state', state)
  }
}
