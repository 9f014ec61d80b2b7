import type { Clock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import type { Enrolment } from '../ledger/enrolment.ts'
import type { IntegrationRow } from '../ledger/ledger.ts'
import type { Stages } from '../ledger/postgres/stages.ts'
import { persist } from './patience.ts'
import { rowOf } from './row.ts'
import type { Watch } from './stages.ts'

/*
 * bare -> enrolling: every replica tracks new writes from there on -> barrier: each registered replica says that its
 * untracked writes have ended, and that none of them can still land -> enrolled. A replica whose lease ran out is waited
 * for too, because it may still write without the ledger; an operator counts it out by removing it.
 */
export interface EnrolDeps {
  readonly stages: Stages
  readonly integrations: () => Promise<readonly IntegrationRow[]>
  readonly clock: Clock
  /** ms that the ledger may be away. */
  readonly patience: number
  /** With what it is enrolled, and whether every live replica has it so; left out: nobody asks. */
  readonly enrolments?:
    | {
        /** Throws `store-silent`. */
        enrolment(integration: string): Promise<Enrolment>
        /** Throws `replica-differs`. */
        assertAlike(integration: string): Promise<void>
      }
    | undefined
}

/**
 * Resolves when the integration is enrolled; at once if it is. May be repeated, and goes on where another one stopped.
 * Throws `stage-refused` from a state that leads elsewhere; rejects when aborted, leaving what was reached.
 */
export async function enrol(
  deps: EnrolDeps,
  integration: string,
  watch: Pick<Watch, 'signal' | 'waiting'>,
): Promise<IntegrationRow> {
  const step = <T>(work: () => Promise<T>): Promise<T> => persist(deps, watch.signal, work)
  const enrolled = await step(() => enrolledRow(deps, integration))
  if (enrolled !== null) return enrolled
  const assertAlike = async (): Promise<void> => deps.enrolments?.assertAlike(integration)
  await step(assertAlike)
  const enrolment = (await step(async () => deps.enrolments?.enrolment(integration))) ?? null
  const enrolling = await step(() => reach(deps, integration, () => deps.stages.enrol(integration, enrolment)))
  if (enrolling.state === 'enrolled') return enrolling
  await step(() => deps.stages.everyReplica(enrolling, watch.waiting, watch.signal))
  watch.waiting([])
  // One that joined before what it is enrolled with was written could not know, and has said by now what it runs.
  await step(assertAlike).catch((error: unknown) => backOut(deps, integration, error))
  return step(() => reach(deps, integration, () => deps.stages.transition(integration, 'enrolled')))
}

/** Nothing is owed yet: it is left as it was entered. */
async function backOut(deps: EnrolDeps, integration: string, error: unknown): Promise<never> {
  if (isFault(error) && error.code === 'replica-differs') await deps.stages.transition(integration, 'bare')
  throw error
}

async function enrolledRow(deps: EnrolDeps, integration: string): Promise<IntegrationRow | null> {
  const row = await rowOf(deps, integration)
  return row?.state === 'enrolled' ? row : null
}

/** Somebody else may have come further meanwhile: then that is where we are. */
async function reach(
  deps: EnrolDeps,
  integration: string,
  change: () => Promise<IntegrationRow>,
): Promise<IntegrationRow> {
  try {
    return await change()
  } catch (error) {
    const enrolled = isFault(error) && error.code === 'stage-refused' ? await enrolledRow(deps, integration) : null
    if (enrolled === null) throw error
    return enrolled
  }
}
