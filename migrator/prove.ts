import { ABSENT } from '../backends/digest.ts'
import type { GetOutcome } from '../backends/store.ts'
import type { Side } from '../core/side.ts'
import type { Proof, UnseenRow } from '../ledger/postgres/proof.ts'
import type { Verification } from '../ledger/postgres/verification.ts'
import { makePatience, persist } from './patience.ts'
import { mayPass, type SightDeps } from './sights.ts'
import type { Watch } from './stages.ts'

/*
 * Verify compares two sides. Of what only the side that stays holds (the last phase leaves the other one behind on purpose)
 * there is nothing to compare, so it is read there once more: it can be read, and it is what the ledger knows. A row that
 * changes meanwhile is being written there by a client, and needs no look.
 */
export interface UnseenDeps extends SightDeps {
  readonly proof: Pick<Proof, 'unseen'>
  readonly verification: Pick<Verification, 'again'>
  readonly batch: number
  readonly patience: number
}

export interface Seen {
  readonly looked: number
  /** Not readable, missing, or another value than the ledger knows. */
  readonly wrong: number
  /** Why it was not finished, or null. */
  readonly stopped: string | null
}

export async function lookAtUnseen(deps: UnseenDeps, integration: string, side: Side, watch: Watch): Promise<Seen> {
  let looked = 0
  let wrong = 0
  let after: { readonly customer: string; readonly name: string } | null = null
  for (;;) {
    const from: typeof after = after
    const rows: readonly UnseenRow[] = await persist(deps, watch.signal, () =>
      deps.proof.unseen(integration, side, from, deps.batch),
    )
    const last = rows.at(-1)
    if (last === undefined) return { looked, wrong, stopped: null }
    const suspects = await suspectsOf(deps, side, rows, watch)
    if (suspects === null) return { looked, wrong, stopped: `the ${side} store did not answer` }
    wrong += await unchanged(deps, suspects, watch)
    looked += rows.length
    after = last.address
    watch.progress(looked, null)
  }
}

/** Null when the store did not answer for as long as patience lasted. */
async function suspectsOf(deps: UnseenDeps, side: Side, rows: readonly UnseenRow[], watch: Watch) {
  const store = deps.stores((rows[0] as UnseenRow).address.integration)[side]
  const patience = makePatience({ clock: deps.clock, limit: deps.patience })
  const suspects: UnseenRow[] = []
  for (let i = 0; i < rows.length; i += store.capabilities.batch.max) {
    const some = rows.slice(i, i + store.capabilities.batch.max)
    const addresses = some.map(({ address }) => address)
    const read = () =>
      store.getMany(addresses, { deadline: deps.clock.monotonic() + deps.deadline, signal: watch.signal })
    let outcomes = await read()
    while (addresses.some((address) => mayPass(outcomes.of(address)))) {
      watch.waiting([`store ${store.name} does not answer`])
      if (!(await patience.wait(watch.signal))) return null
      outcomes = await read()
    }
    watch.waiting([])
    suspects.push(...some.filter((row) => !isKnown(deps, row, outcomes.of(row.address))))
  }
  return suspects
}

function isKnown(deps: UnseenDeps, { address, current, gone }: UnseenRow, outcome: GetOutcome): boolean {
  if (outcome.kind === 'found') return current === null || current === deps.fingerprint(address, outcome.secret)
  return outcome.kind === 'absent' && (current === null ? gone : current === ABSENT)
}

/** Of the suspects, those that nobody has written since they were read. */
async function unchanged(deps: UnseenDeps, suspects: readonly UnseenRow[], watch: Watch): Promise<number> {
  if (suspects.length === 0) return 0
  const addresses = suspects.map(({ address }) => address)
  const rows = await persist(deps, watch.signal, () => deps.verification.again(addresses))
  return suspects.filter(({ address, version, seq }) => {
    const row = rows.of(address)
    return row !== null && row.version === version && row.seq === seq && row.open === 0
  }).length
}
