import { addressKey, type Secret, SecretValue } from '../../backends/secret.ts'
import { SIDES } from '../../core/side.ts'
import { type History, makeHistory } from './history.ts'
import { at, INTEGRATION, type Surroundings } from './process.ts'
import { freshRow } from './row.ts'
import type { Scenario } from './scenario.ts'

export const secretOf = (value: string): Secret => ({
  value: SecretValue.ofText(value),
  contentType: null,
  metadata: {},
})

/** Stores, row and history of one secret as the scenario wants them to start. */
export function plant({ ledger, stores }: Surroundings, { start, kinds }: Scenario, name: string): History {
  const initial = start === 'absent' ? null : 'initial'
  if (initial !== null) stores.legacy.plant(at(name), secretOf(initial))
  if (start === 'copied') stores.new.plant(at(name), secretOf('initial'))
  if (start === 'owing' || start === 'foreign') stores.new.plant(at(name), secretOf(start))
  ledger.integrations.set(INTEGRATION, {
    integration: INTEGRATION,
    state: 'enrolled',
    epoch: 3,
    inventoried: start !== 'foreign',
  })
  const row = { ...freshRow('legacy'), gone: false }
  const rows = {
    copied: { ...row, fresh: 'both', blank: false, current: 'initial', copied: true },
    uncopied: row,
    owing: { ...row, blank: false, current: 'initial', copied: true, seq: 1 },
    absent: null,
    foreign: null,
  } as const
  const planted = rows[start]
  if (planted !== null) ledger.rows.set(addressKey(at(name)), { address: at(name), row: planted })
  const fenced = SIDES.every((side) => kinds[side] !== 'plain')
  return makeHistory(initial, fenced ? 'all' : 'deletes')
}
