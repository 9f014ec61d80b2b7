import { addressKey } from '../../backends/secret.ts'
import { SIDES, type Side } from '../../core/side.ts'
import type { History } from './history.ts'
import { FOREIGN } from './plant.ts'
import { at, INTEGRATION, type Process, type Surroundings } from './process.ts'
import { view } from './sim-ledger.ts'
import { text } from './sim-store.ts'

/** A broken invariant, and what was seen. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

export const heldText = (around: Surroundings, side: Side, name: string): string | null => {
  const secret = around.stores[side].held(at(name))
  return secret === null ? null : text(secret)
}

const rowOf = (around: Surroundings, name: string) => around.ledger.rows.get(addressKey(at(name)))?.row ?? null

/**
 * What a read that took no time would return now, by the real rules: undefined where the replica serves nothing. The
 * interleaved reads are run too; this one looks into every state between them.
 */
export function instantRead(
  around: Surroundings,
  process: Process,
  name: string,
  phaseReads: Side,
): string | null | undefined {
  const { replica, rules } = process
  const state = replica.state(INTEGRATION)
  if (state === null) return undefined
  const knows = {
    state,
    trusted: replica.trusted(),
    inventoried: replica.inventoried(INTEGRATION),
    debt: replica.memory.debtOf(at(name)),
  }
  const answer = {
    state: around.ledger.integrations.get(INTEGRATION)?.state ?? ('bare' as const),
    row: view(rowOf(around, name)),
  }
  const first = rules.route(knows, phaseReads)
  const side = first.kind === 'ask' ? rules.sideOf(answer, phaseReads) : first.side
  const value = heldText(around, side, name)
  if (value !== null || first.kind === 'ask') return value
  if (rules.notFoundIsFinal(side, false)) return null
  if (rules.confirmedDeleted(answer.row)) return null
  return heldText(around, rules.sideOf(answer, phaseReads), name)
}

/** I1 and I3 in every state: whoever read now, in whatever phase, would see nothing that was replaced. */
export function checkReads(around: Surroundings, processes: readonly Process[], name: string, history: History): void {
  const replaced = history.replaced()
  for (const process of processes) {
    for (const side of SIDES) {
      const value = instantRead(around, process, name, side)
      if (value === undefined || history.allows(value, replaced)) continue
      throw new Violation(
        `I1: ${process.owner}, in a phase that reads ${side}, would answer ${name} with ${value ?? 'nothing'}, which an acknowledged write replaced`,
      )
    }
  }
}

/** `both` is a promise: the sides are equal. */
export function checkBoth(around: Surroundings, name: string): void {
  const row = rowOf(around, name)
  if (row?.fresh !== 'both') return
  const [legacy, fresh] = [heldText(around, 'legacy', name), heldText(around, 'new', name)]
  if (legacy !== fresh)
    throw new Violation(
      `I2: ${name} is fresh on both sides, which hold ${legacy ?? 'nothing'} and ${fresh ?? 'nothing'}`,
    )
}

/** When every write was told what became of it and none is open, who reads where does not matter. */
export function checkAgreement(around: Surroundings, processes: readonly Process[], name: string): void {
  const reads = processes.flatMap((process) =>
    SIDES.map((side) => ({ process: process.owner, side, value: instantRead(around, process, name, side) })),
  )
  const [first, ...rest] = reads.filter(({ value }) => value !== undefined)
  const other = rest.find(({ value }) => value !== first?.value)
  if (first === undefined || other === undefined) return
  const show = (read: typeof other): string => `${read.process} reading ${read.side} answers ${read.value ?? 'nothing'}`
  throw new Violation(`I1: no write of ${name} is open, and ${show(first)} while ${show(other)}`)
}

/** I2, when everything has ended: no debt is left, and every replica in every phase gives the same value, an allowed one. */
export function checkEnd(around: Surroundings, processes: readonly Process[], name: string, history: History): void {
  const row = rowOf(around, name)
  if (row !== null && row.fresh !== 'both' && row.quarantine === null)
    throw new Violation(`I2: ${name} is still owed to one side`)
  // What new held before anything was written or copied there is not ours to overwrite: it waits for an operator.
  const foreign = row?.quarantine === 'foreign' && (row.before?.version ?? row.version) === 0
  if (row?.quarantine != null && !foreign)
    throw new Violation(`I2: ${name} was quarantined as ${row.quarantine}, and nobody bypassed the proxy`)
  const values = new Set(
    processes
      .flatMap((process) => SIDES.map((side) => instantRead(around, process, name, side)))
      .filter((value) => value !== undefined),
  )
  if (values.size > 1)
    throw new Violation(
      `I1: nothing is open, and reads of ${name} give ${[...values].map((v) => v ?? 'nothing').join(' and ')}`,
    )
  for (const value of values) {
    if (!history.allows(value, history.replaced()))
      throw new Violation(`I1: ${name} ended as ${value ?? 'nothing'}, which an acknowledged write replaced`)
  }
}

/** A value that was planted behind the row: at which side, and how many writes may have changed the secret before. */
export interface Tampered {
  readonly side: Side
  readonly writes: number
  /** A write ended by its lease since, such as one whose begin had no answer: the row does not know any more. */
  unclear: boolean
}

/** I11: while no write may have changed it since, the planted value is not what the row knows, so it stays where it is. */
export function checkCopied(around: Surroundings, name: string, tampered: Tampered, history: History): void {
  const other = tampered.side === 'legacy' ? 'new' : 'legacy'
  tampered.unclear ||= rowOf(around, name)?.loose === true
  if (!tampered.unclear && history.unsettled() === tampered.writes && heldText(around, other, name) === 'tampered') {
    throw new Violation(`I11: ${name} was changed behind the proxy at ${tampered.side}, and copied to ${other}`)
  }
}

/** What nobody wrote through the proxy is not put over, however many writes were refused meanwhile. */
export function checkForeign(around: Surroundings, name: string, history: History): void {
  const held = heldText(around, 'new', name)
  if (history.untouched() && held !== FOREIGN)
    throw new Violation(
      `I2: what new held of ${name} was not ours, no write was applied, and it became ${held ?? 'nothing'}`,
    )
}
