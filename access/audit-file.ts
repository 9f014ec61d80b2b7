import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import { type Audit, type AuditEntry, auditLine } from './audit.ts'
import { accessFault } from './faults.ts'
import type { AccessMetrics } from './metrics.ts'

/*
 * Group commit: while one write is on its way, further entries gather, and the next write takes all of them at once. So
 * an entry waits for at most two writes, and a thousand concurrent ones share a handful.
 *
 * It fails closed (I10). A write that fails rejects every entry in it and the file is opened again before the next; what
 * a failed write left may be half a line, so the next one begins with a line break. A disk that hangs rejects each
 * entry at its deadline: what has not been handed to the disk by then never is.
 *
 * The deadline is the disk's, not the event loop's: a process that gets no processor for a while hears late of a write that
 * was done in time. So the wait is cut into slices, and what a slice took longer than it should is not counted.
 */

export interface FileAuditOptions {
  readonly path: string
  /** How long the disk may take for an entry, in ms. */
  readonly deadline: number
  /** Wait until the disk has it (fdatasync): survives a power cut, not only the end of the process. */
  readonly sync: boolean
  readonly clock: Clock
  readonly metrics?: AccessMetrics
}

interface Waiter {
  readonly line: string
  readonly until: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Reopening {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const FLAGS = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY
const OWNER_ONLY = 0o600
/** Of a deadline. */
const SLICES = 10

/** Opens the file, made if it is not there. Rejects with `audit-unavailable` if that is not possible. */
export const makeFileAudit = async (options: FileAuditOptions): Promise<Audit> => {
  const audit = new FileAudit(options)
  await audit.reopen()
  return audit
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | null)?.code ?? 'error'

class FileAudit implements Audit {
  readonly #options: FileAuditOptions
  #file: FileHandle | null = null
  #torn = false
  #closed = false
  #waiting: Waiter[] = []
  /** Handed to the disk. */
  #flying: readonly Waiter[] = []
  #reopening: Reopening[] = []
  #writing: Promise<void> | null = null
  #timing = false
  /** ms that the event loop was away while entries waited. */
  #away = 0
  /** When the slice that is timed ends. */
  #due = 0
  /** Ends the timers, so that they do not keep the process. */
  readonly #ended = new AbortController()

  constructor(options: FileAuditOptions) {
    this.#options = options
  }

  append(entry: AuditEntry): Promise<void> {
    if (this.#closed) return Promise.reject(accessFault('audit-unavailable', 'the audit file is closed'))
    const until = this.#now() + this.#options.deadline
    const written = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ line: auditLine(entry), until, resolve, reject })
    })
    this.#time()
    this.#write()
    return written
  }

  reopen(): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      this.#reopening.push({ resolve, reject })
    })
    this.#write()
    return opened
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const settled = async () => {
      while (this.#writing !== null) await this.#writing
      await this.#drop()
    }
    // A disk that hangs must not keep the process: what waits is refused at its deadline anyway.
    const { clock, deadline } = this.#options
    await Promise.race([settled(), clock.sleep(deadline, this.#ended.signal)]).finally(() => this.#ended.abort())
  }

  /** Time as far as the event loop was there: within a slice that is overdue it stands still. */
  #now(): number {
    const time = this.#options.clock.monotonic()
    return (this.#timing ? Math.min(time, this.#due) : time) - this.#away
  }

  #hasWork(): boolean {
    return this.#waiting.length > 0 || this.#reopening.length > 0
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null
      if (this.#hasWork()) this.#write()
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#hasWork()) {
      await this.#openAnew()
      this.#expire(this.#now())
      this.#flying = this.#waiting
      this.#waiting = []
      if (this.#flying.length > 0) await this.#commit()
      this.#flying = []
    }
  }

  /** Between two writes, so that no write is on a file that is being closed. */
  async #openAnew(): Promise<void> {
    if (this.#reopening.length === 0) return
    const asked = this.#reopening
    this.#reopening = []
    await this.#drop()
    try {
      await this.#handle()
      for (const { resolve } of asked) resolve()
    } catch (cause) {
      const fault = accessFault('audit-unavailable', `${this.#options.path}: ${codeOf(cause)}`, { cause })
      for (const { reject } of asked) reject(fault)
    }
  }

  async #commit(): Promise<void> {
    try {
      const file = await this.#handle()
      const text = this.#flying.map(({ line }) => line).join('')
      const torn = this.#torn
      this.#torn = true
      await file.appendFile(torn ? `\n${text}` : text)
      if (this.#options.sync) await file.datasync()
      this.#torn = false
      this.#options.metrics?.auditEntries.inc(this.#flying.length)
      for (const { resolve } of this.#flying) resolve()
    } catch (cause) {
      this.#fail(this.#flying, `${this.#options.path}: ${codeOf(cause)}`, cause)
      await this.#drop()
    }
  }

  async #handle(): Promise<FileHandle> {
    this.#file ??= await open(this.#options.path, FLAGS, OWNER_ONLY)
    return this.#file
  }

  async #drop(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close().catch(() => {})
  }

  #fail(batch: readonly Waiter[], detail: string, cause?: unknown): void {
    if (batch.length === 0) return
    this.#options.metrics?.auditFailures.inc(batch.length)
    const fault = accessFault('audit-unavailable', detail, { retryAfter: 1, cause })
    for (const { reject } of batch) reject(fault)
  }

  /** One timer for all: deadlines are of equal length, so the oldest entry's comes first. */
  #time(): void {
    const oldest = this.#flying[0] ?? this.#waiting[0]
    if (this.#timing || oldest === undefined) return
    const { clock, deadline } = this.#options
    const slice = Math.max(1, Math.min(deadline / SLICES, oldest.until - this.#now()))
    this.#timing = true
    this.#due = clock.monotonic() + slice
    clock.sleep(slice, this.#ended.signal).then(
      () => {
        this.#timing = false
        this.#away += Math.max(0, clock.monotonic() - this.#due)
        this.#expire(this.#now())
        this.#time()
      },
      () => {},
    )
  }

  #expire(now: number): void {
    const late = ({ until }: Waiter): boolean => until <= now
    const detail = `${this.#options.path}: not written within ${this.#options.deadline} ms`
    this.#fail(this.#flying.filter(late), detail)
    this.#flying = this.#flying.filter((waiter) => !late(waiter))
    this.#fail(this.#waiting.filter(late), detail)
    this.#waiting = this.#waiting.filter((waiter) => !late(waiter))
  }
}
