import { answeredEach, itself } from '../../backends/answers.ts'
import { type Address, addressKey, type Secret } from '../../backends/secret.ts'
import type { Call, Capabilities, Capability, Condition, GetOutcome, PutOutcome, Store } from '../../backends/store.ts'
import type { Side } from '../../core/side.ts'
import type { World } from './world.ts'

/**
 * `plain`: no version survives a delete, but the store checks the deadline of each request. `fenced`: versions survive
 * deletes, and a late request may land at any time. `sealed`: both, as the sealed store.
 */
export type StoreKind = 'plain' | 'fenced' | 'sealed'

interface Cell {
  readonly secret: Secret | null
  readonly version: number
}

export interface SimStore {
  readonly kind: StoreKind
  readonly side: Side
  /** What is there now, for the checks and for planting. */
  held(address: Address): Secret | null
  plant(address: Address, secret: Secret | null): void
  connect(owner: string): Store
}

const HAS: Capability = { has: true }
const LACKS: Capability = { has: false, why: 'simulated' }

const capabilities = (kind: StoreKind): Capabilities => ({
  fence: kind === 'plain' ? LACKS : HAS,
  bound: kind === 'fenced' ? LACKS : HAS,
  compareAndSet: kind === 'plain' ? LACKS : HAS,
  versions: HAS,
  contentType: HAS,
  metadata: HAS,
  batch: { max: 100 },
  values: 'bytes',
  maxSize: 1024,
})

/** What becomes of a request: most are answered; 0 is the uneventful fate. */
type Fate = 'answered' | 'refused' | 'answer lost' | 'late' | 'lost' | 'doubled'
const FATES: readonly Fate[] = [
  ...Array<Fate>(15).fill('answered'),
  'refused',
  'answer lost',
  'late',
  'lost',
  'doubled',
]

/** Told of each put before it is applied. */
export type OnLand = (side: Side, address: Address, value: string) => void

export function makeSimStore(world: World, side: Side, kind: StoreKind, onLand: OnLand): SimStore {
  const cells = new Map<string, Cell>()

  const land = (address: Address, secret: Secret | null, condition: Condition, call: Call): PutOutcome => {
    const cell = cells.get(addressKey(address))
    if (kind !== 'fenced' && world.now() >= call.deadline) return { kind: 'refused', reason: 'late' }
    if (condition.kind === 'at' && condition.fence !== String(cell?.version ?? 0)) return { kind: 'conflict' }
    const version = (cell?.version ?? 0) + 1
    if (secret !== null) onLand(side, address, text(secret))
    if (secret === null && kind === 'plain') cells.delete(addressKey(address))
    else cells.set(addressKey(address), { secret, version })
    return { kind: 'done', version: String(version), fence: String(version) }
  }

  const write = async (owner: string, address: Address, secret: Secret | null, condition: Condition, call: Call) => {
    const what = `${secret === null ? 'remove' : `put ${text(secret)}`} of ${address.name} at ${side}`
    const fate = FATES[world.draw(FATES.length)] as Fate
    const arrive = (label: string, delay = 0): Promise<PutOutcome> =>
      world.step(
        null,
        `${label} (sent by ${owner})`,
        () => {
          const outcome = land(address, secret, condition, call)
          world.tell(`... ${outcome.kind}`)
          return outcome
        },
        delay,
      )
    const unknown: PutOutcome = { kind: 'unknown', reason: 'timeout' }
    switch (fate) {
      case 'answered':
        return world.step(owner, '', await after(arrive(what)))
      case 'refused':
        return world.step(owner, `${what}: refused`, () => ({ kind: 'refused', reason: 'unavailable' }) as const)
      case 'answer lost':
        await arrive(`${what}, and the answer is lost`)
        return world.step(owner, '', () => unknown)
      case 'late':
        // Others get a chance to finish before it: within the lease, and after it.
        void arrive(`late ${what}`, world.draw(6) * 250)
        return world.step(owner, `${what}: no answer in time`, () => unknown)
      case 'lost':
        return world.step(owner, `${what}: lost on its way`, () => unknown)
      case 'doubled':
        // A store without versions cannot refuse what it has answered before; SPEC.md assumes that nothing replays there.
        if (kind === 'plain') return world.step(owner, '', await after(arrive(what)))
        return world.step(owner, '', await after(arrive(what).finally(() => void arrive(`second arrival of ${what}`))))
    }
  }

  const read = async (owner: string, address: Address): Promise<GetOutcome> => {
    if (world.draw(24) === 23) {
      return world.step(
        owner,
        `read of ${address.name} at ${side}: fails`,
        () => ({ kind: 'error', reason: 'timeout', passing: true }) as const,
      )
    }
    return world.step(owner, `read of ${address.name} at ${side}`, () => {
      const cell = cells.get(addressKey(address))
      const fence = String(cell?.version ?? 0)
      world.tell(`... ${cell?.secret ? text(cell.secret) : 'nothing'}`)
      return cell?.secret
        ? { kind: 'found', secret: cell.secret, version: fence, fence }
        : { kind: 'absent', deleted: false, fence }
    })
  }

  return {
    kind,
    side,
    held: (address) => cells.get(addressKey(address))?.secret ?? null,
    plant: (address, secret) => {
      cells.set(addressKey(address), { secret, version: (cells.get(addressKey(address))?.version ?? 0) + 1 })
    },
    connect: (owner) => ({
      name: side,
      kind: 'simulated',
      capabilities: capabilities(kind),
      get: (address) => read(owner, address),
      getMany: (addresses) => answeredEach(addresses, addressKey, (address) => read(owner, address)),
      put: (address, secret, condition, call) => write(owner, address, secret, condition, call),
      putMany: (puts, call) => answeredEach(puts, itself, (p) => write(owner, p.address, p.secret, p.condition, call)),
      remove: (address, condition, call) => write(owner, address, null, condition, call),
      scan: async () => ({ kind: 'page', entries: [], next: null }),
      ping: async () => ({ kind: 'ok' }),
      identity: async () => ({ kind: 'is', id: null }),
      check: async () => [],
      close: async () => {},
    }),
  }
}

/** A step of the owner hands the answer on, so that a crash in between loses it. */
const after = async <T>(arrival: Promise<T>): Promise<() => T> => {
  const answer = await arrival
  return () => answer
}

export const text = (secret: Secret): string => Buffer.from(secret.value.open()).toString()
