import { answersTo, itself, mapAnswers } from '../../backends/answers.ts'
import type { PutRequest, Store } from '../../backends/store.ts'
import { otherSide } from '../../core/side.ts'
import type { Memory } from '../../ledger/memory.ts'
import type { RegisteredReplica } from '../../ledger/postgres/replicas.ts'
import type { Row } from './row.ts'
import { applyResult, type RowRules } from './row-rules.ts'
import type { Scenario } from './scenario.ts'
import type { Mutation } from './simulate.ts'

/** A rule of the protocol switched off: the simulation must find that it is missing. */
export interface Mutant extends Mutation {
  readonly breaks: string
  /** The only pair of stores with which the rule matters. */
  readonly kinds?: Scenario['kinds']
}

const FENCED = { legacy: 'fenced', new: 'fenced' } as const

const noOpenOps = (row: Row): Row => ({ ...row, ops: {} })

/** Every write's outcome, or its condition and call, changed on the way to or from a store. */
const aroundWrites =
  (change: (store: Store) => Pick<Store, 'put' | 'remove' | 'putMany'>) =>
  (store: Store): Store => ({ ...store, ...change(store) })

const withOutcome = (told: (outcome: Awaited<ReturnType<Store['put']>>) => Awaited<ReturnType<Store['put']>>) =>
  aroundWrites((store) => ({
    put: async (...args) => told(await store.put(...args)),
    remove: async (...args) => told(await store.remove(...args)),
    putMany: async (puts, call) => mapAnswers(puts, itself, await store.putMany(puts, call), told),
  }))

const unconditional = aroundWrites((store) => ({
  put: (address, secret, _condition, call) => store.put(address, secret, { kind: 'any' }, call),
  remove: (address, _condition, call) => store.remove(address, { kind: 'any' }, call),
  putMany: async (puts, call) => {
    const sent = new Map(puts.map((p): [PutRequest, PutRequest] => [p, { ...p, condition: { kind: 'any' } }]))
    const outcomes = await store.putMany([...sent.values()], call)
    return answersTo(puts, itself, (p) => outcomes.of(sent.get(p) as PutRequest))
  },
}))

const FOREVER = Number.POSITIVE_INFINITY
const unbounded = aroundWrites((store) => ({
  put: (address, secret, condition, call) => store.put(address, secret, condition, { ...call, deadline: FOREVER }),
  remove: (address, condition, call) => store.remove(address, condition, { ...call, deadline: FOREVER }),
  putMany: (puts, call) => store.putMany(puts, { ...call, deadline: FOREVER }),
}))

/** Messages in order of arrival: the last one wins, whatever it is about. */
const withoutSeq = (memory: Memory): Memory => ({
  ...memory,
  debt: (debt) => {
    memory.strike(debt.address, FOREVER)
    memory.debt(debt)
  },
  merge: (debts) => {
    for (const debt of debts) {
      memory.strike(debt.address, FOREVER)
      memory.debt(debt)
    }
  },
  strike: (address) => memory.strike(address, FOREVER),
})

const row = (rules: (rules: RowRules) => Partial<RowRules>) => rules

const RULES: Readonly<Record<string, Mutant>> = {
  'settle-first': {
    breaks: 'a claim makes its source the register',
    rules: row(() => ({ claimed: (r, source) => ({ ...r, blank: r.blank && source !== 'legacy' }) })),
  },
  'settle-noop': {
    breaks: 'a settle is an open operation',
    rules: row((rules) => ({
      registers: () => ({}),
      settledEnded: (r, { result }, now) => {
        if (r === null) return null
        const next = applyResult(rules, r, result, true, now)
        return { row: next, answer: { kind: 'done', fresh: next.fresh, seq: next.seq, known: next.known } }
      },
    })),
  },
  'settle-both': {
    breaks: 'a settle writes both only if nobody began since',
    rules: row(() => ({ nobodyBegan: () => true })),
  },
  'claim-blank': {
    breaks: 'a claim marks that new may hold something',
    rules: row(() => ({ claimed: (r, source) => ({ ...r, first: source }) })),
  },
  'both-if-ok': {
    breaks: 'both is written only by an operation that nobody overlapped',
    rules: row((rules) => ({
      ended: (r, op, outcome, lone) => rules.ended(r, op, outcome, lone || outcome === 'clean'),
    })),
  },
  'unknown-close': {
    breaks: 'an operation with an unknown put stays open',
    rules: row(() => ({ staysOpen: () => false })),
  },
  'own-first': {
    breaks: 'a joiner puts to the register first',
    rules: row(() => ({ puts: (_r, plan) => ({ first: plan.first, second: plan.second }) })),
  },
  'off-only': {
    breaks: 'a joiner of a one-sided phase puts both',
    rules: row(() => ({
      puts: (r, plan) => ({
        first: plan.second === null ? plan.first : r.first,
        second: plan.second === null ? null : otherSide(r.first),
      }),
    })),
  },
  'known-stale': {
    breaks: 'known is of one seq',
    rules: row((rules) => ({
      moveFresh: (r, fresh) => ({ ...rules.moveFresh(r, fresh), known: r.known && fresh !== 'both' }),
    })),
  },
  'void-ok': {
    breaks: 'the finish of an ended operation is void',
    rules: row((rules) => ({
      finishEnded: (r) => {
        if (r === null) return null
        const next = { ...rules.moveFresh(r, r.first), current: null }
        return { row: next, answer: { kind: 'done', fresh: next.fresh, seq: next.seq, known: next.known } }
      },
    })),
  },
  'fail-restore': {
    breaks: 'a refusal restores both only if alone',
    rules: row(() => ({ restores: (_lone, op) => op.wasBoth })),
  },
  'no-intent': { breaks: 'a delete records its intent', rules: row(() => ({ intend: (r) => r })) },
  'delete-at-begin': {
    breaks: 'a tombstone is believed only when confirmed',
    rules: row(() => ({ intend: (r) => ({ ...r, gone: true, deleted: true }) })),
    parts: { rules: (rules) => ({ ...rules, confirmedDeleted: (r) => r?.deleted === true }) },
  },
  'ifmatch-open': {
    breaks: 'compare-and-set waits for open operations',
    rules: row((rules) => ({
      refusal: (r, request, now) => rules.refusal(request.expect === null ? r : noOpenOps(r), request, now),
    })),
  },
  'ifmatch-shared': {
    breaks: 'compare-and-set excludes others',
    rules: row((rules) => ({
      refusal: (r, request, now) =>
        rules.refusal(request.expect === null && !request.needsQuiet ? noOpenOps(r) : r, request, now),
    })),
  },
  'delete-nowait': {
    breaks: 'a delete waits where a store has no fence',
    rules: row((rules) => ({ refusal: (r, request, now) => rules.refusal(r, { ...request, needsQuiet: false }, now) })),
  },
  'current-joined': {
    breaks: 'current is set only by who was alone',
    rules: row((rules) => ({
      ended: (r, op, outcome, lone) => {
        const next = rules.ended(r, op, outcome, lone)
        const last = Object.keys(r.ops).length === 0 && outcome !== 'failed'
        return last ? { ...next, current: op.fingerprint } : next
      },
    })),
  },
  'expire-keeps-current': {
    breaks: 'an operation that its lease ended makes current unknown',
    rules: row((rules) => ({ expire: (r, now) => ({ ...rules.expire(r, now), current: r.current }) })),
  },
  'expire-tight': {
    kinds: FENCED,
    breaks: 'an operation that its lease ended leaves the row loose',
    rules: row((rules) => ({ expire: (r, now) => ({ ...rules.expire(r, now), loose: r.loose }) })),
  },
  'no-seq': { breaks: 'messages are ordered by seq', parts: { memory: withoutSeq } },
  'no-wait': {
    breaks: 'a debt is acknowledged when every live replica knows',
    parts: {
      coherence: (coherence) => ({
        ...coherence,
        announce: async (debt) => {
          void coherence.announce(debt).catch(() => undefined)
        },
      }),
    },
  },
  'no-announce': {
    breaks: 'debts are announced',
    parts: { coherence: (coherence, memory) => ({ ...coherence, announce: async (debt) => memory.debt(debt) }) },
  },
  'list-early': {
    breaks: 'the list of replicas is read after the debt is durable',
    parts: {
      connection: ({ ledger, replicas }) => {
        let listed: readonly RegisteredReplica[] = []
        return {
          ledger: {
            ...ledger,
            begin: async (request) => {
              listed = await replicas.live()
              return ledger.begin(request)
            },
          },
          replicas: { ...replicas, live: async () => listed },
        }
      },
    },
  },
  'ask-skip': {
    breaks: 'a replica whose lease is over asks',
    parts: { replica: (replica) => ({ ...replica, trusted: () => true }) },
  },
  'mark-early': {
    breaks: 'new is believed only after the inventory mark',
    parts: { replica: (replica) => ({ ...replica, inventoried: () => true }) },
  },
  'join-lazy': {
    breaks: 'a joined write makes known before it answers',
    parts: { rules: (rules) => ({ ...rules, isLoneClean: (clean) => clean }) },
  },
  'lazy-flip': {
    breaks: 'the finish that moves fresh is durable',
    parts: { rules: (rules) => ({ ...rules, movesFresh: () => false }) },
  },
  'unknown-is-done': {
    breaks: 'an unknown put is not a success',
    parts: { store: withOutcome((o) => (o.kind === 'unknown' ? { kind: 'done', version: null, fence: null } : o)) },
  },
  'retry-failed': {
    breaks: 'an unknown put is not a refusal',
    parts: { store: withOutcome((o) => (o.kind === 'unknown' ? { kind: 'refused', reason: 'rejected' } : o)) },
  },
  'not-found-final': {
    breaks: 'not found on new asks the ledger',
    parts: { rules: (rules) => ({ ...rules, notFoundIsFinal: () => true }) },
  },
  'not-found-both': {
    breaks: 'not found on new reads the named side again',
    parts: { rules: (rules) => ({ ...rules, confirmedDeleted: (r) => r?.fresh === 'both' }) },
  },
  'fallback-blind': {
    breaks: 'a fallback goes only to a proven side',
    parts: { rules: (rules) => ({ ...rules, provenFresh: () => true }) },
  },
  'unconditional-puts': { breaks: 'puts compare where a store can', parts: { store: unconditional } },
  'late-puts': { breaks: 'a store without a fence refuses late requests', parts: { store: unbounded } },
  'loose-unfenced': {
    kinds: FENCED,
    breaks: 'settle of a loose row fences both sides',
    parts: {
      connection: ({ ledger, replicas }) => ({
        replicas,
        ledger: {
          ...ledger,
          claim: async (query) => (await ledger.claim(query)).map((claim) => ({ ...claim, loose: false })),
        },
      }),
    },
  },
  'copy-unknown': {
    breaks: 'only the value that the row knows is copied',
    parts: {
      connection: ({ ledger, replicas }) => ({
        replicas,
        ledger: {
          ...ledger,
          claim: async (query) => (await ledger.claim(query)).map((claim) => ({ ...claim, current: null })),
        },
      }),
    },
  },
}

export const MUTANTS: ReadonlyMap<string, Mutant> = new Map(Object.entries(RULES))
