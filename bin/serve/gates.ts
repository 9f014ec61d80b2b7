import type { Clock } from '../../core/clock.ts'
import { sameJson } from '../../core/same-json.ts'
import type { CapBook } from '../../flags/caps.ts'
import type { Cohorts } from '../../flags/cohorts.ts'
import type { Pin } from '../../flags/decision.ts'
import { flagsFault } from '../../flags/faults.ts'
import type { GateBook } from '../../flags/gate-book.ts'
import { factsBetween, type GateFact } from '../../flags/gate-events.ts'
import {
  follow,
  forcing,
  type GateForce,
  type GateInput,
  type GateMark,
  type GateRecord,
  gateRecordSchema,
  leftShadow,
  markOf,
  NO_MARK,
} from '../../flags/gate-marks.ts'
import type { GateFigures } from '../../flags/gates.ts'
import type { GatesConfig } from '../../flags/gates-config.ts'
import { type History, newestName } from '../../flags/history.ts'
import { asksInWords, type Outlook, outlookOf } from '../../flags/outlook.ts'
import { lowerPhase, type Phase, phaseRank } from '../../flags/phase.ts'
import type { GateEvent, GateRecords, StoredGate } from '../../ledger/postgres/gate-records.ts'

/*
 * Gates on several replicas. The records in the ledger count; a revision says whether a replica's own are current. Every replica
 * compares its flags, caps and states with the records once a second and when one of them changed. A difference is saved by
 * whoever sees it first, if it knows all that the record follows from: the flag that was accepted last, the caps, the state. So
 * a replica that lags behind, or that was given other flags, undoes nothing. Secrets are counted by one replica at a time, in
 * turns, only while a gate holds something, and for a twentieth of the time at most.
 */
export interface Gates {
  /** Makes the book hold what is durable. Rejects with `ledger-unavailable`. */
  load(): Promise<void>
  /** Looks whether anything changed; never rejects. */
  follow(): Promise<void>
  /** Asks the gates of these integrations now; a ledger that is away leaves everything as it is. */
  look(integrations: readonly string[]): Promise<void>
  /** What each cohort would become if its flag asked for `phase`; figures are read now. Null without the ledger. */
  foresee(integration: string, phase: Phase | null): Promise<ReadonlyMap<string, Foreseen> | null>
  /** An operator's word. Rejects with `ledger-unavailable`, and when it cannot be saved against others' changes. */
  force(integration: string, cohorts: readonly string[], force: GateForce): Promise<void>
}

export interface Foreseen {
  readonly mark: GateMark
  readonly figures: GateFigures
}

export interface GatesParts {
  readonly integrations: () => readonly string[]
  readonly gatesOf: (integration: string) => GatesConfig
  readonly history: (integration: string) => History
  readonly cohorts: () => Cohorts
  /** Without those of the gates. */
  readonly caps: CapBook
  readonly pin: (integration: string) => Pin | null
  readonly book: GateBook
  readonly records: GateRecords
  /** By cohort. */
  readonly figures: (integration: string) => Promise<ReadonlyMap<string, GateFigures>>
  /** The revision of the caps that this replica runs. */
  readonly capsRevision: () => number
  readonly epoch: (integration: string) => number
  /** Recorded in this replica's row at its next refresh. */
  readonly follows: Record<string, number>
  readonly clock: Clock
}

/** No integration can have this name. */
export const GATES_KEY = '*gates'
/** ms between two looks at everything where nothing is known to have changed: dates in flags pass. */
const EVERY = 1000
/** ms before another replica may count for the same integration. */
const TURN = 200
/** How often a save is tried against the saves of others. */
const TRIES = 5

const NOBODY: GateFigures = {
  inventoried: false,
  secrets: 0,
  copied: 0,
  verified: 0,
  quarantined: 0,
  debts: 0,
  mismatches: 0,
  comparisons: 0,
  fullVerify: false,
  bypassed: 0,
  bypassSeenAt: null,
}

export function makeGates(parts: GatesParts): Gates {
  const { book, records, clock, follows } = parts
  const versions = new Map<string, number>()
  /** Of integrations that something is held of: when to count again, by the monotonic clock. */
  const due = new Map<string, { at: number; pace: number }>()
  let revision = -1
  let seen = { caps: -1, at: Number.NEGATIVE_INFINITY, flags: '' }

  const outlooks = (integration: string): readonly Outlook[] =>
    outlookOf(integration, {
      history: parts.history,
      cohorts: parts.cohorts(),
      caps: parts.caps,
      pin: parts.pin,
      now: clock.wall(),
    })

  /** What ran before there were gates counts as passed. */
  const seed = (integration: string): GateRecord => ({
    flag: null,
    cohorts: Object.fromEntries(
      outlooks(integration).map(({ cohort, requested }) => [cohort, { ...NO_MARK, mark: requested }]),
    ),
  })

  const load = async (): Promise<void> => {
    const { revision: now, gates } = await records.loadAt()
    versions.clear()
    for (const { integration, version } of gates) versions.set(integration, version)
    book.replace(new Map(gates.map((gate) => [gate.integration, parse(gate) ?? seed(gate.integration)])))
    revision = now
    acknowledge()
  }

  /** This replica runs what the records say once its own flags are those that they follow. */
  const acknowledge = (): void => {
    const agrees = (integration: string): boolean =>
      (book.record(integration)?.flag ?? null) === newestName(parts.history(integration))
    if (parts.integrations().every(agrees)) follows[GATES_KEY] = revision
  }

  const inputOf = (outlook: Outlook, facts: GateInput['facts'], requested = outlook.requested): GateInput => ({
    requested,
    asks: asksInWords(outlook.asks),
    cap: outlook.cap,
    pin: outlook.pin,
    gates: parts.gatesOf(outlook.integration),
    facts,
    now: clock.wall(),
  })

  const next = (
    integration: string,
    figures: ReadonlyMap<string, GateFigures> | null,
    was = book.record(integration),
  ): GateRecord => ({
    flag: newestName(parts.history(integration)),
    cohorts: Object.fromEntries(
      outlooks(integration).map((outlook) => {
        const facts = figures === null ? null : { figures: figures.get(outlook.cohort) ?? NOBODY }
        return [outlook.cohort, follow(markOf(was, outlook.cohort), inputOf(outlook, facts), outlook)]
      }),
    ),
  })

  const save = async (integration: string, after: GateRecord, more: readonly GateEvent[] = []): Promise<boolean> => {
    const before = book.record(integration)
    const causes = new Map(outlooks(integration).map((outlook) => [outlook.cohort, outlook]))
    const events: readonly (GateEvent | GateFact)[] = [
      ...more,
      ...factsBetween(before, after, (cohort) => causes.get(cohort) ?? { cap: null, pin: null }),
    ]
    const saved = await records.save({
      integration,
      expected: versions.get(integration) ?? 0,
      record: after,
      definition: parts.history(integration)[0]?.definition ?? null,
      caps: parts.capsRevision(),
      epoch: parts.epoch(integration),
      reset: leftShadow(before, after),
      events,
    })
    if (saved === null) return false
    book.put(integration, after)
    versions.set(integration, saved.version)
    // Else somebody else saved, too, and the next look loads that.
    if (saved.revision === revision + 1) revision = saved.revision
    return true
  }

  /** Whoever is short of what its flag asks for, with nothing but gates in the way. */
  const isHeld = (integration: string, record: GateRecord): boolean =>
    outlooks(integration).some(({ cohort, requested, cap, pin }) => {
      const goal = lowerPhase(requested, cap?.phase ?? 'complete')
      return pin === null && phaseRank(goal) > phaseRank(markOf(record, cohort).mark)
    })

  /** Counts for an integration and saves what follows. */
  const ask = async (integration: string): Promise<void> => {
    const started = clock.monotonic()
    const figures = await parts.figures(integration)
    const after = next(integration, figures)
    if (!same(book.record(integration), after)) await save(integration, after)
    const pace = Math.max(EVERY, 20 * (clock.monotonic() - started))
    due.set(integration, { at: clock.monotonic() + pace, pace })
  }

  const attend = async (integration: string): Promise<void> => {
    const after = next(integration, null)
    const held = isHeld(integration, after)
    if (!held) due.delete(integration)
    const turn = due.get(integration)
    if (held && (turn === undefined || clock.monotonic() >= turn.at)) {
      const pace = turn?.pace ?? TURN
      due.set(integration, { at: clock.monotonic() + EVERY, pace })
      if (await records.claim(integration, pace)) return ask(integration)
    }
    if (!same(book.record(integration), after)) await save(integration, after)
  }

  const changed = (): boolean => {
    const flags = parts
      .integrations()
      .map((name) => newestName(parts.history(name)) ?? '-')
      .join()
    const now = { caps: parts.caps.version() + book.version(), at: clock.monotonic(), flags }
    if (now.caps === seen.caps && now.flags === seen.flags && now.at - seen.at < EVERY) return false
    seen = now
    return true
  }

  return {
    load,
    follow: async () => {
      try {
        if ((await records.revision()) !== revision) await load()
        if (!changed()) return
        for (const integration of parts.integrations()) await attend(integration)
        acknowledge()
      } catch {
        // The ledger is away; nobody passes a gate meanwhile.
      }
    },
    look: async (integrations) => {
      for (const integration of integrations) await ask(integration).catch(() => undefined)
    },
    foresee: async (integration, phase) => {
      const figures = await parts.figures(integration).catch(() => null)
      if (figures === null) return null
      const foreseen = outlooks(integration).map((outlook) => {
        const known = figures.get(outlook.cohort) ?? NOBODY
        // Also of one that is not enrolled yet: what it will wait for.
        const input = { ...inputOf(outlook, { figures: known }, phase ?? outlook.requested), pin: null }
        const mark = follow(markOf(book.record(integration), outlook.cohort), input, outlook)
        return [outlook.cohort, { mark, figures: known }] as const
      })
      return new Map(foreseen)
    },
    force: async (integration, cohorts, force) => {
      for (let tries = 0; tries < TRIES; tries += 1) {
        const figures = await parts.figures(integration)
        const was = book.record(integration) ?? { flag: null, cohorts: {} }
        const told = forcing(was, parts.cohorts().names, cohorts, force)
        const event = (cohort: string): GateEvent => ({
          kind: 'gate-forced',
          actor: force.by,
          detail: { cohort, from: markOf(was, cohort).mark, to: force.phase, reason: force.reason },
        })
        if (await save(integration, next(integration, figures, told), cohorts.map(event))) return
        await load()
      }
      throw flagsFault('gate-busy', integration)
    },
  }
}

const parse = ({ record }: StoredGate): GateRecord | null => {
  if (record === null) return null
  const parsed = gateRecordSchema.safeParse(record)
  if (parsed.success) return parsed.data
  throw flagsFault('phase-memory-unavailable', 'the record of a gate was written by another version')
}

const same = (a: GateRecord | undefined, b: GateRecord): boolean => sameJson(a ?? null, b)
