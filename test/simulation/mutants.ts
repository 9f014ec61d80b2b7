import { otherSide } from '../../core/side.ts'
import type { RegisteredReplica } from '../../ledger/postgres/replicas.ts'
import { unbounded, unconditional, withOutcome, withoutSeq } from './mutant-parts.ts'
import type { Row } from './row.ts'
import { applyResult, type RowRules } from './row-rules.ts'
import type { Fixed } from './scenario.ts'
import type { Mutation } from './simulate.ts'

/** A rule of the protocol switched off: the simulation must find that it is missing. */
export interface Mutant extends Mutation {
  readonly breaks: string
  /** The only worlds in which the rule matters. */
  readonly fixed?: Fixed
}

const FENCED = { kinds: { legacy: 'fenced', new: 'fenced' } } as const

const noOpenOps = (row: Row): Row => ({ ...row, ops: {} })

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
    breaks: 'nothing is put back while another write may yet be applied',
    rules: row(() => ({ allEnded: () => true })),
  },
  'fail-joined': {
    breaks: 'nothing is put back after another write was applied',
    rules: row((rules) => ({ applied: (r) => ({ ...rules.applied(r), before: r.before }) })),
  },
  'fail-version': {
    breaks: 'a refusal puts the version back: foreign is judged by it',
    rules: row((rules) => ({ restored: (r, before) => rules.restored(r, { ...before, version: r.version }) })),
  },
  'fail-quarantine': {
    breaks: 'only a write that was applied puts a secret out of quarantine',
    rules: row(() => ({ begins: (r) => ({ ...r, quarantine: null }) })),
  },
  'unknown-restores': {
    breaks: 'a write that its lease ended may have been applied',
    rules: row(() => ({ unclear: (before) => before })),
  },
  'unknown-owns': {
    breaks: 'a write that its lease ended does not make ours what new holds',
    rules: row((rules) => ({ restored: (r, before) => rules.restored(r, { ...before, foreign: false }) })),
  },
  'no-intent': { breaks: 'a delete records its intent', rules: row(() => ({ meant: (r) => r })) },
  'before-settle': {
    breaks: 'a write that joins a settle is undone as well',
    rules: row(() => ({ opens: (ops) => Object.keys(ops).length === 0 })),
  },
  'delete-at-begin': {
    breaks: 'a tombstone is believed only when confirmed',
    rules: row(() => ({ begins: (r, kind) => (kind === 'delete' ? { ...r, deleted: true } : r) })),
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
    fixed: FENCED,
    breaks: 'an operation that its lease ended leaves the row loose',
    rules: row((rules) => ({ expire: (r, now) => ({ ...rules.expire(r, now), loose: r.loose }) })),
  },
  'drain-early': {
    fixed: { start: 'enrolling' },
    breaks: 'enrol waits for writes of unknown outcome that end while it does',
    parts: {
      bareWrites: (writes) => ({ ...writes, track: (name, write) => writes.track(name, write, () => null) }),
    },
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
    fixed: FENCED,
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
  'named-foreign': {
    fixed: { start: 'seen' },
    breaks: 'a settle by name is no word of an operator on what is foreign',
    parts: {
      connection: ({ ledger, replicas }) => ({
        replicas,
        ledger: {
          ...ledger,
          claim: async (query) => (await ledger.claim(query)).map((claim) => ({ ...claim, quarantine: null })),
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
