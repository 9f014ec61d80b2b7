/**
 * A store in memory, for tests and simulation: a plain register a secret, each write one step that either happens or
 * does not. `fenced` keeps a version a secret for ever; `plain` draws its fences from one counter and forgets a secret
 * that is removed, so it can compare what exists and nothing more.
 */
import type { Clock } from '../../core/clock.ts'
import { answersTo, byAddress, itself } from '../answers.ts'
import { type Address, addressKey, type Secret } from '../secret.ts'
import { byteOrder } from '../secret-text.ts'
import type {
  Call,
  Capabilities,
  Capability,
  Condition,
  GetOutcome,
  PutOutcome,
  ScanOutcome,
  ScanPage,
  Store,
} from '../store.ts'

export interface MemoryOptions {
  readonly name: string
  readonly versions: 'plain' | 'fenced'
  readonly maxSize: number
  readonly clock: Clock
}

interface Cell {
  readonly address: Address
  /** Null: removed, and the version is kept. */
  readonly secret: Secret | null
  readonly version: number
}

const NEVER = '0'
const HAS: Capability = { has: true }

const capabilitiesOf = ({ versions, maxSize }: MemoryOptions): Capabilities => ({
  fence:
    versions === 'fenced' ? HAS : { has: false, why: 'this memory store is configured without versions that survive' },
  bound: HAS,
  compareAndSet: HAS,
  versions: HAS,
  contentType: HAS,
  metadata: HAS,
  batch: { max: 500 },
  values: 'bytes',
  maxSize,
})

export function makeMemoryStore(options: MemoryOptions): Store {
  const cells = new Map<string, Cell>()
  const fenced = options.versions === 'fenced'
  let counter = 0

  const get = (address: Address): GetOutcome => {
    const cell = cells.get(addressKey(address))
    if (!cell) return { kind: 'absent', deleted: false, fence: NEVER }
    const version = String(cell.version)
    if (!cell.secret) return { kind: 'absent', deleted: true, fence: version }
    return { kind: 'found', secret: cell.secret, version, fence: version }
  }

  const write = (address: Address, secret: Secret | null, condition: Condition, call: Call): PutOutcome => {
    if (options.clock.monotonic() >= call.deadline) return { kind: 'refused', reason: 'late' }
    const key = addressKey(address)
    const now = cells.get(key)
    if (condition.kind === 'at' && condition.fence !== String(now?.version ?? NEVER)) return { kind: 'conflict' }
    if (!secret && !fenced) {
      cells.delete(key)
      return { kind: 'done', version: null, fence: NEVER }
    }
    const version = fenced ? (now?.version ?? 0) + 1 : ++counter
    cells.set(key, { address, secret: secret && copied(secret), version })
    return { kind: 'done', version: String(version), fence: String(version) }
  }

  const put = (address: Address, secret: Secret, condition: Condition, call: Call): PutOutcome =>
    secret.value.size > options.maxSize
      ? { kind: 'refused', reason: 'too-large' }
      : write(address, secret, condition, call)

  return {
    name: options.name,
    kind: 'memory',
    capabilities: capabilitiesOf(options),
    get: async (address) => get(address),
    getMany: async (addresses) => byAddress(addresses, get),
    put: async (address, secret, condition, call) => put(address, secret, condition, call),
    putMany: async (puts, call) => answersTo(puts, itself, (p) => put(p.address, p.secret, p.condition, call)),
    remove: async (address, condition, call) => write(address, null, condition, call),
    scan: async (integration, page) => scan(cells.values(), integration, page),
    ping: async () => ({ kind: 'ok' }),
    identity: async () => ({ kind: 'is', id: null }),
    check: async () => [],
    close: async () => {},
  }
}

/** The caller keeps its own bag of metadata. */
const copied = (secret: Secret): Secret => ({ ...secret, metadata: { ...secret.metadata } })

function scan(cells: Iterable<Cell>, integration: string, page: ScanPage): ScanOutcome {
  const { after, customer, limit } = page
  const live = [...cells].filter(
    ({ address, secret }) =>
      secret !== null &&
      address.integration === integration &&
      (customer === undefined || address.customer === customer) &&
      (after === null || inOrder(after, address) < 0),
  )
  live.sort((a, b) => inOrder(a.address, b.address))
  const entries = live
    .slice(0, limit)
    .map(({ address, version }) => ({ customer: address.customer, name: address.name, version: String(version) }))
  const last = entries.at(-1)
  return {
    kind: 'page',
    entries,
    next: live.length > limit && last ? { customer: last.customer, name: last.name } : null,
  }
}

type Place = Pick<Address, 'customer' | 'name'>
const inOrder = (a: Place, b: Place): number => byteOrder(a.customer, b.customer) || byteOrder(a.name, b.name)
