/** One thing that readiness looks at. */
export interface Check {
  readonly name: string
  /**
   * `always`: without it nobody can be served. `start`: without it a replica must not begin to serve, but one that serves
   * goes on: ledger, bus, flag server and the side that does not serve. Taking such a replica out would turn an outage
   * that it can ride out into one that clients see.
   */
  readonly needed: 'always' | 'start'
  /** Cheap and bounded. Rejecting counts as not well; its message is not shown. */
  readonly probe: () => Promise<{ readonly ok: boolean; readonly detail: string }>
}

export interface CheckResult {
  readonly name: string
  readonly needed: Check['needed']
  readonly ok: boolean
  readonly detail: string
}

export interface ReadinessReport {
  readonly ready: boolean
  readonly started: boolean
  readonly draining: boolean
  readonly checks: readonly CheckResult[]
}

export interface Readiness {
  report(): Promise<ReadinessReport>
  /** From now on never ready: a shutdown has begun. */
  drain(): void
}

/**
 * Ready once every check passed at the same time; from then on only as long as the `always` ones pass. Anybody may ask, and
 * the checks ask the stores: whoever asks while they are at it gets the same answer.
 */
export function makeReadiness(checks: readonly Check[]): Readiness {
  let started = false
  let draining = false
  let looking: Promise<readonly CheckResult[]> | null = null
  return {
    report: async () => {
      looking ??= Promise.all(checks.map(run)).finally(() => {
        looking = null
      })
      const results = await looking
      started ||= results.every(({ ok }) => ok)
      const well = results.every(({ ok, needed }) => ok || needed === 'start')
      return { ready: started && well && !draining, started, draining, checks: results }
    },
    drain: () => {
      draining = true
    },
  }
}

async function run({ name, needed, probe }: Check): Promise<CheckResult> {
  try {
    return { name, needed, ...(await probe()) }
  } catch {
    return { name, needed, ok: false, detail: 'the check itself failed' }
  }
}
