import { addressKey, type Secret, SecretValue } from '../../backends/secret.ts'
import { SIDES } from '../../core/side.ts'
import { type History, makeHistory } from './history.ts'
import { at, INTEGRATION, type Surroundings } from './process.ts'
import { freshRow, type Row } from './row.ts'
import type { Scenario, Start } from './scenario.ts'

export const secretOf = (value: string): Secret => ({
  value: SecretValue.ofText(value),
  contentType: null,
  metadata: {},
})

interface Planted {
  readonly legacy: string | null
  readonly new: string | null
  /** Null: there is none. */
  readonly row: Partial<Row> | null
  readonly inventoried?: false
}

export const FOREIGN = 'foreign'
const SEEN = { blank: false } as const
const FOUND = { blank: false, quarantine: 'foreign' } as const

const PLANTS: Readonly<Record<Start, Planted>> = {
  copied: {
    legacy: 'initial',
    new: 'initial',
    row: { fresh: 'both', blank: false, current: 'initial', copied: true, version: 1 },
  },
  uncopied: { legacy: 'initial', new: null, row: {} },
  owing: {
    legacy: 'initial',
    new: 'owing',
    row: { blank: false, current: 'initial', copied: true, seq: 1, version: 1 },
  },
  absent: { legacy: null, new: null, row: null },
  foreign: { legacy: 'initial', new: FOREIGN, row: null, inventoried: false },
  seen: { legacy: 'initial', new: FOREIGN, row: SEEN },
  quarantined: { legacy: 'initial', new: FOREIGN, row: { ...FOUND, current: 'initial' } },
  orphan: { legacy: null, new: FOREIGN, row: SEEN },
  'orphan-quarantined': { legacy: null, new: FOREIGN, row: FOUND },
  deleted: {
    legacy: null,
    new: null,
    row: { fresh: 'both', blank: false, gone: true, deleted: true, current: 'absent', copied: true, version: 2 },
  },
  'delete-owed': {
    legacy: null,
    new: 'initial',
    row: { blank: false, gone: true, current: 'absent', copied: true, seq: 1, version: 2 },
  },
  enrolling: { legacy: 'initial', new: null, row: null, inventoried: false },
}

/** Stores, row and history of one secret as the scenario wants them to start. */
export function plant({ ledger, stores }: Surroundings, { start, kinds }: Scenario, name: string): History {
  const planted = PLANTS[start]
  for (const side of SIDES) {
    const value = planted[side]
    if (value !== null) stores[side].plant(at(name), secretOf(value))
  }
  ledger.integrations.set(INTEGRATION, {
    integration: INTEGRATION,
    state: start === 'enrolling' ? 'bare' : 'enrolled',
    epoch: start === 'enrolling' ? 1 : 3,
    inventoried: planted.inventoried ?? true,
  })
  if (planted.row !== null) {
    const row = { ...freshRow('legacy'), gone: false, ...planted.row }
    ledger.rows.set(addressKey(at(name)), { address: at(name), row })
  }
  // Without a ledger nothing keeps a late write from landing after a later one.
  if (start === 'enrolling') return makeHistory(planted.legacy, 'nothing')
  return makeHistory(planted.legacy, SIDES.every((side) => kinds[side] !== 'plain') ? 'all' : 'deletes')
}

/** New holds what nobody wrote or copied there through the proxy. */
export const startsForeign = (start: Start): boolean => PLANTS[start].new === FOREIGN
