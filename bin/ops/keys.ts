import type { KeyCare, KeyCareFailure, KeyChangeName } from '../../backends/key-care.ts'
import type { Call } from '../../backends/store.ts'
import { httpFault } from '../../proxy/http/faults.ts'
import type { ChangeKeys, ChangeKeysResult, Rewrap, RewrapResult } from '../../proxy/ops/keys.ts'
import type { KeysPort } from '../../proxy/ops/ports.ts'
import type { Engine } from '../serve/engine.ts'
import { serveFault } from '../serve/faults.ts'

/** Longest that one page may take; many of the store's own statements fit into it. */
const PAGE_MS = 15_000
const CUSTOMERS_PER_PAGE = 100

const EVENTS = {
  rotate: 'key-rotated',
  revoke: 'key-revoked',
  restore: 'key-restored',
  destroy: 'key-destroyed',
} as const satisfies Record<KeyChangeName, string>

/** Every call is one page: nothing is kept here between two, so that any process can answer the next. */
export function makeKeysPort({ stores, clock, journal }: Pick<Engine, 'stores' | 'clock' | 'journal'>): KeysPort {
  const call = (): Call => ({ deadline: clock.monotonic() + PAGE_MS, signal: AbortSignal.timeout(PAGE_MS) })
  const careOf = (name: string): KeyCare => {
    const store = stores.all.get(name)
    if (store === undefined) throw serveFault('not-configured', `store ${name}`)
    if (store.keys === undefined) throw serveFault('store-has-no-keys', `store ${name} is of kind ${store.kind}`)
    return store.keys
  }
  const note = (kind: string, by: string, detail: Readonly<Record<string, unknown>>): Promise<void> =>
    journal.append({ kind, integration: null, actor: by, detail })

  const show: KeysPort['show'] = async (store, customer) => {
    const { active, revoked, destroyed, rows } = answered(await careOf(store).survey(customer, call()), store)
    return { store, customer, active, revoked, destroyed, rows }
  }

  const changeOne = async (
    store: string,
    customer: string,
    request: ChangeKeys,
    by: string,
  ): Promise<ChangeKeysResult> => {
    const { change, execute, reason = null } = request
    const answer = { executed: execute, change, refused: 0, total: null, next: null }
    if (!execute) {
      const { active, revoked, destroyed } = await show(store, customer)
      if (active + revoked + destroyed === 0) throw serveFault('key-change-refused', `${customer}: no-key`)
      return { ...answer, customers: [{ customer, key_version: null }] }
    }
    const outcome = answered(await careOf(store).change(customer, change, call()), store)
    if (outcome.kind === 'refused') throw serveFault('key-change-refused', `${customer}: ${outcome.why}`)
    await note(EVENTS[change], by, { store, customer, key_version: outcome.keyVersion, reason })
    return { ...answer, customers: [{ customer, key_version: outcome.keyVersion }] }
  }

  const rotateAll = async (store: string, request: ChangeKeys, by: string): Promise<ChangeKeysResult> => {
    const { after = null, execute, reason = null } = request
    const care = careOf(store)
    const { active } = await show(store, null)
    if (!execute) return { executed: false, change: 'rotate', customers: [], refused: 0, total: active, next: null }
    if (after === null) await note('keys-rotating', by, { store, reason })
    const page = answered(await care.customers(after, CUSTOMERS_PER_PAGE, call()), store)
    const customers: ChangeKeysResult['customers'] = []
    for (const customer of page.customers) {
      const outcome = answered(await care.change(customer, 'rotate', call()), store)
      if (outcome.kind === 'done') customers.push({ customer, key_version: outcome.keyVersion })
    }
    const refused = page.customers.length - customers.length
    return { executed: true, change: 'rotate', customers, refused, total: active, next: page.next }
  }

  const rewrap = async (store: string, request: Rewrap, by: string): Promise<RewrapResult> => {
    const { customer = null, after = null, limit, execute, reason = null } = request
    const care = careOf(store)
    const total = after === null ? (await show(store, customer)).rows : null
    if (!execute) return { executed: false, ...NOTHING_DONE, total, next: null }
    if (after === null) await note('keys-rewrapping', by, { store, customer, reason })
    const { keys, rows, next } = answered(await care.rewrap({ customer, after, limit }, call()), store)
    if (next === null) await note('keys-rewrapped', by, { store, customer })
    return { executed: true, keys: { ...keys }, rows: { ...rows }, total, next }
  }

  return {
    show,
    change: async (store, request, by) => {
      if (request.customer !== undefined) return changeOne(store, request.customer, request, by)
      if (request.change !== 'rotate') throw httpFault('parameter-refused', `customer: required to ${request.change}`)
      return rotateAll(store, request, by)
    },
    rewrap,
  }
}

const NOTHING_DONE = {
  keys: { seen: 0, wrapped: 0, unusable: 0 },
  rows: { seen: 0, resealed: 0, current: 0, undecryptable: 0, revoked: 0 },
} as const

function answered<R extends { readonly kind: string }>(
  outcome: R | KeyCareFailure,
  store: string,
): Exclude<R, KeyCareFailure> {
  if (outcome.kind !== 'failed') return outcome as Exclude<R, KeyCareFailure>
  const { reason } = outcome as KeyCareFailure
  if (reason === 'cursor') throw httpFault('parameter-refused', 'body.after: expected the next of an answer')
  throw serveFault('keys-unavailable', `store ${store}: ${reason}`, { retryAfter: 1 })
}
