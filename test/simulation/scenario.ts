import fc from 'fast-check'
import type { Side } from '../../core/side.ts'
import { PHASES, type Phase } from '../../flags/phase.ts'
import type { StoreKind } from './sim-store.ts'

export const OPERATIONS = ['put', 'delete', 'read', 'replace', 'create'] as const
export type OperationKind = (typeof OPERATIONS)[number]

export interface Operation {
  readonly kind: OperationKind
  readonly name: string
  /** The phase that the flags give this process for this operation: they flip at any moment, in any order. */
  readonly phase: Phase
  /** Several writes may carry the same bytes. */
  readonly repeated: boolean
}

/** One client: its operations, one after the other, through one process. */
export interface Client {
  readonly process: number
  readonly operations: readonly Operation[]
}

export const DISTURBANCES = ['settle', 'refresh', 'crash', 'deaf', 'time', 'tamper'] as const
export interface Disturbance {
  readonly kind: (typeof DISTURBANCES)[number]
  readonly process: number
}

/** How the secrets stand before the run. */
export const STARTS = [
  'copied',
  'uncopied',
  'absent',
  'owing',
  // New holds another value: before an inventory, seen by it, and found foreign by a settle.
  'foreign',
  'seen',
  'quarantined',
  // The same where legacy holds nothing.
  'orphan',
  'orphan-quarantined',
  'deleted',
  'delete-owed',
  // Without a ledger, and enrolled while clients write.
  'enrolling',
] as const
export type Start = (typeof STARTS)[number]

export interface Scenario {
  readonly kinds: Readonly<Record<Side, StoreKind>>
  readonly start: Start
  readonly clients: readonly Client[]
  readonly disturbances: readonly Disturbance[]
  readonly choices: readonly number[]
}

export const PROCESSES = 3
export const NAMES = ['a', 'b'] as const

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom<OperationKind>('put', 'put', 'put', 'read', 'read', 'delete', 'replace', 'create'),
  name: fc.constantFrom('a', 'a', 'a', 'b'),
  phase: fc.constantFrom(...PHASES),
  repeated: fc.boolean(),
})

const client: fc.Arbitrary<Client> = fc.record({
  process: fc.nat(PROCESSES - 1),
  operations: fc.array(operation, { minLength: 1, maxLength: 3 }),
})

const disturbance: fc.Arbitrary<Disturbance> = fc.record({
  kind: fc.constantFrom<Disturbance['kind']>(
    'settle',
    'settle',
    'settle',
    'refresh',
    'crash',
    'deaf',
    'time',
    'time',
    'tamper',
  ),
  process: fc.nat(PROCESSES - 1),
})

/** The pairs that real stores make: an old table and a fenced or sealed service, two fenced ones, two plain ones. */
const kinds: fc.Arbitrary<Scenario['kinds']> = fc.constantFrom(
  { legacy: 'plain', new: 'sealed' },
  { legacy: 'plain', new: 'fenced' },
  { legacy: 'fenced', new: 'fenced' },
  { legacy: 'plain', new: 'plain' },
)

const drawn: fc.Arbitrary<Scenario> = fc.record({
  kinds,
  start: fc.constantFrom(...STARTS),
  clients: fc.array(client, { minLength: 2, maxLength: 4 }),
  disturbances: fc.array(disturbance, { maxLength: 6 }),
  choices: fc.array(fc.nat(0xffff), { minLength: 60, maxLength: 220 }),
})

/**
 * Without a ledger writes compare with nothing, whatever the store could: only its deadline keeps a late one of legacy from
 * landing after the enrolment, and nothing a second arrival. So legacy is as plain there as it is used.
 */
const plainly = (one: Scenario): Scenario =>
  one.start === 'enrolling' ? { ...one, kinds: { ...one.kinds, legacy: 'plain' } } : one

/** What a mutant leaves no choice of, because its rule matters nowhere else. */
export type Fixed = Partial<Pick<Scenario, 'kinds' | 'start'>>

export const scenarios = (fixed: Fixed = {}): fc.Arbitrary<Scenario> =>
  drawn.map((one) => plainly({ ...one, ...fixed }))
