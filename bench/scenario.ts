/** A system under load: a process of its own. */
export interface System {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** What a scenario gets of the harness. */
export interface Bench {
  /** How long to measure, in seconds, warm-up not counted. */
  readonly seconds: number
  /** How many secrets, where a scenario asks for a size; `scale`: sizes that take minutes are measured, too. */
  readonly secrets: number
  readonly scale: boolean
  /** A new folder, removed at the end; others than its owner may pass through it. */
  readonly folder: string
  readonly note: (text: string) => void
  readonly signal: AbortSignal
}

/** One file of bench/scenarios. */
export interface Scenario<Name extends string = string> {
  readonly name: string
  readonly about: string
  /** How long it measures if nobody says; 20 by default. */
  readonly seconds?: number
  /** Started in this order, each with those before it; stopped in the reverse one. */
  readonly systems: Readonly<Record<Name, (bench: Bench, started: ReadonlyMap<string, System>) => Promise<System>>>
  /** Measures; the answer is printed as the last line, with the scenario's name. */
  drive(systems: Readonly<Record<Name, System>>, bench: Bench): Promise<Result>
}

export interface Result {
  /** False: what the scenario demands does not hold, and the run exits 1. */
  readonly holds: boolean
  readonly figures: Readonly<Record<string, unknown>>
}

/** Lets TypeScript know the systems by their names. */
export const defineScenario = <Name extends string>(scenario: Scenario<Name>): Scenario<Name> => scenario

/** Starts the systems, measures, and stops whatever was started, also when something failed. */
export const runScenario = async <Name extends string>(scenario: Scenario<Name>, bench: Bench): Promise<Result> => {
  const started = new Map<Name, System>()
  try {
    for (const [name, start] of Object.entries(scenario.systems) as [Name, Scenario<Name>['systems'][Name]][]) {
      bench.note(`starting ${name}`)
      started.set(name, await start(bench, started))
      bench.signal.throwIfAborted()
    }
    return await scenario.drive(Object.fromEntries(started) as Record<Name, System>, bench)
  } finally {
    for (const system of [...started.values()].reverse()) await system.stop()
  }
}
