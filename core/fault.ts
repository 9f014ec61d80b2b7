/** What a stable error code means: one row a code, in the table of the room that raises it; docs/errors.md lists them all. */
export interface FaultSpec {
  /** HTTP status the front answers with. */
  readonly status: number
  /** The same sentence for every occurrence; never holds a value, a name of a secret or a token. */
  readonly title: string
  /** What the reader does next. */
  readonly next: string
}

export type FaultTable = Readonly<Record<string, FaultSpec>>

/**
 * A broken promise or a refusal that stops an operation. `code` is stable and listed in docs/errors.md.
 * `detail` says what was wrong this time and must never hold a value of a secret or a credential.
 */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly next: string
  /** Seconds after which trying again makes sense, where that is known. */
  readonly retryAfter: number | undefined

  constructor(code: string, spec: FaultSpec, detail: string, options: { retryAfter?: number; cause?: unknown } = {}) {
    super(`${spec.title}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = spec.status
    this.title = spec.title
    this.detail = detail
    this.next = spec.next
    this.retryAfter = options.retryAfter
  }
}

/** Binds a room's table: `const fault = makeFaults(LEDGER_FAULTS)`, then `throw fault('ledger-unavailable', 'why')`. */
export const makeFaults =
  <T extends FaultTable>(table: T) =>
  <C extends keyof T & string>(
    code: C,
    detail: string,
    options: { retryAfter?: number; cause?: unknown } = {},
  ): Fault =>
    new Fault(code, table[code] as FaultSpec, detail, options)

export const isFault = (error: unknown): error is Fault => error instanceof Fault
