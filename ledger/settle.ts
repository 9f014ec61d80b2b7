import { type Answers, inBatches, itself } from '../backends/answers.ts'
import { ABSENT } from '../backends/digest.ts'
import type { Pair, Pairs } from '../backends/pair.ts'
import { type Address, addressKey, type Secret } from '../backends/secret.ts'
import type { Call, Condition, GetOutcome, PutOutcome, Store } from '../backends/store.ts'
import type { Clock } from '../core/clock.ts'
import { otherSide, type Side } from '../core/side.ts'
import type { Coherence } from './coherence.ts'
import type { Claim, ClaimQuery, Ledger, QuarantineReason, SettleResult } from './ledger.ts'

/*
 * Settle makes the owing side equal to the fresh side and strikes the debt. Backfill, repair, reverse copy and re-copy
 * are all this one function over different debts; a debt holds no value, so it cannot carry a stale one.
 *
 * claim (an open operation whose register is the source) -> read the target, then the source -> [where requests may
 * still arrive late: rewrite the source] -> put or remove on the target, conditionally -> settled. `both` is written
 * only if nobody began since the claim. An unknown outcome leaves the operation open until its lease ends.
 */
export interface SettleDeps {
  readonly ledger: Pick<Ledger, 'claim' | 'settled'>
  readonly pairs: Pairs
  readonly fingerprint: (address: Address, secret: Secret) => string
  readonly coherence: Pick<Coherence, 'strike'>
  readonly clock: Clock
}

/** What became of one claim; `unknown`: it stays open until its lease ends. */
export type SettleKind = SettleResult['kind'] | 'unknown' | 'overtaken'

export interface SettleReport {
  readonly address: Address
  /** Nothing had ever been put to new. */
  readonly neverCopied: boolean
  readonly kind: SettleKind
  readonly reason: string | null
}

/** One pass: claims up to `query.limit` debts and settles them. An empty report means that there was nothing to claim. */
export async function settle(
  deps: SettleDeps,
  query: ClaimQuery,
  signal?: AbortSignal,
): Promise<readonly SettleReport[]> {
  // The lease counts from before the claim was sent, so that ours never outlives the ledger's.
  const deadline = deps.clock.monotonic() + query.lease
  const claims = await deps.ledger.claim(query)
  if (claims.length === 0) return []
  const call: Call = { deadline, ...(signal ? { signal } : {}) }
  const pair = deps.pairs(query.integration)
  const bySource = (['legacy', 'new'] as const).map((source) => claims.filter((claim) => claim.source === source))
  const results = (await Promise.all(bySource.map((same) => copyAll(deps, pair, same, call)))).flat()
  return report(deps, results)
}

interface Settled {
  readonly claim: Claim
  /** null: the outcome is unknown, so nothing is said and the lease ends the operation. */
  readonly result: SettleResult | null
}

async function report(deps: SettleDeps, results: readonly Settled[]): Promise<readonly SettleReport[]> {
  const decided = results.filter((r): r is Settled & { result: SettleResult } => r.result !== null)
  const requests = new Map(
    decided.map(({ claim, result }) => [claim, { op: claim.op, address: claim.address, result }]),
  )
  const answers = await deps.ledger.settled([...requests.values()])
  const answered = new Map([...requests].map(([claim, request]) => [claim, answers.of(request)]))
  for (const [claim, answer] of answered) {
    if (answer.kind === 'done' && answer.fresh === 'both') deps.coherence.strike(claim.address, answer.seq)
  }
  return results.map(({ claim, result }) => ({
    address: claim.address,
    neverCopied: claim.blank,
    ...describe(result, answered.get(claim)),
  }))
}

function describe(
  result: SettleResult | null,
  answer: { readonly kind: string; readonly fresh?: string } | undefined,
): Pick<SettleReport, 'kind' | 'reason'> {
  if (result === null) return { kind: 'unknown', reason: null }
  if (result.kind !== 'equal') return { kind: result.kind, reason: result.reason }
  return answer?.kind === 'done' && answer.fresh === 'both'
    ? { kind: 'equal', reason: null }
    : { kind: 'overtaken', reason: null }
}

/** All claims of one direction: two batch reads, one batch put. */
async function copyAll(
  deps: SettleDeps,
  pair: Pair,
  claims: readonly Claim[],
  call: Call,
): Promise<readonly Settled[]> {
  const [first] = claims
  if (first === undefined) return []
  const source = pair.stores[first.source]
  const target = pair.stores[otherSide(first.source)]
  const addresses = claims.map((claim) => claim.address)
  // The target first: its fence must be older than the value that is put with it.
  const there = await readAll(target, addresses, call)
  const here = await readAll(source, addresses, call)
  const steps = claims.map((claim) =>
    decide(deps, claim, here.of(claim.address), there.of(claim.address), source, target),
  )
  const rewritten = await Promise.all(
    steps.map((step) => (step.kind === 'copy' && step.rewrite ? rewriteSource(source, step, call) : step)),
  )
  return applyAll(target, rewritten, call)
}

const readAll = (store: Store, addresses: readonly Address[], call: Call): Promise<Answers<Address, GetOutcome>> =>
  inBatches(addresses, addressKey, store.capabilities.batch.max, (some) => store.getMany(some, call))

interface Copy {
  readonly kind: 'copy'
  readonly claim: Claim
  readonly secret: Secret | null // null: remove
  readonly fingerprint: string
  readonly sourceFence: string | null
  readonly condition: Condition
  /** The source must be written again first, so that late requests of ended operations are refused there. */
  readonly rewrite: boolean
  /** False: both sides are equal already, and only the source had to be fenced. */
  readonly put: boolean
  readonly versions: Partial<Record<Side, string>>
}
type Step = Copy | { readonly kind: 'end'; readonly claim: Claim; readonly result: SettleResult | null }

const end = (claim: Claim, result: SettleResult | null): Step => ({ kind: 'end', claim, result })
const quarantine = (claim: Claim, reason: QuarantineReason, current: string | null = null): Step =>
  end(claim, { kind: 'quarantine', reason, current })
const later = (claim: Claim, reason: string): Step => end(claim, { kind: 'later', reason })

/**
 * A late request could still land there: it compares versions, and so it is refused once the version has moved. Where the
 * store also checks deadlines, what remains is a put between that check and its commit.
 */
const comparesLate = (store: Store): boolean => store.capabilities.fence.has

function decide(
  deps: SettleDeps,
  claim: Claim,
  here: GetOutcome,
  there: GetOutcome,
  source: Store,
  target: Store,
): Step {
  if (here.kind === 'error') return later(claim, `source: ${here.reason}`)
  if (here.kind === 'unreadable') return quarantine(claim, here.reason)
  if (there.kind === 'error') return later(claim, `target: ${there.reason}`)
  const found = here.kind === 'found' ? deps.fingerprint(claim.address, here.secret) : ABSENT
  const wrong = contradiction(claim, here, found)
  if (wrong !== null) return quarantine(claim, wrong)
  const version = here.kind === 'found' ? here.version : null
  const versions = version === null ? {} : { [claim.source]: version }
  const mustPut = claim.loose && comparesLate(target)
  const equal = holds(deps, claim, there, found)
  const rewrite = claim.loose && comparesLate(source)
  if (!mustPut && !rewrite && equal) return end(claim, { kind: 'equal', fingerprint: found, versions })
  if (!equal && isForeign(claim, there)) return quarantine(claim, 'foreign', found)
  const fence = there.kind === 'unreadable' ? null : there.fence
  return {
    kind: 'copy',
    claim,
    secret: here.kind === 'found' ? here.secret : null,
    fingerprint: found,
    sourceFence: here.fence,
    condition: fence === null ? { kind: 'any' } : { kind: 'at', fence },
    rewrite,
    put: mustPut || !equal,
    versions,
  }
}

/** I11: what the row knows to be on its fresh side is the only thing that may be copied; a delete is never inferred from absence. */
function contradiction(claim: Claim, here: GetOutcome, found: string): QuarantineReason | null {
  if (found === ABSENT) {
    if (claim.current !== null && claim.current !== ABSENT) return 'missing'
    if (claim.gone) return null
    return claim.source === 'legacy' && claim.version === 0 ? 'foreign' : 'missing'
  }
  if (claim.current === null || claim.current === found) return null
  const version = here.kind === 'found' ? here.version : null
  return version !== null && version === claim.versions[claim.source] ? 'corrupt' : 'out_of_band'
}

/**
 * The target holds something although nothing was ever written or copied through Crossfade: it is not ours to overwrite, and a
 * settle that was asked for by name is no operator's word.
 */
const isForeign = (claim: Claim, there: GetOutcome): boolean =>
  claim.source === 'legacy' &&
  claim.version === 0 &&
  (claim.current === null || claim.quarantine === 'foreign') &&
  there.kind !== 'absent'

const holds = (deps: SettleDeps, claim: Claim, there: GetOutcome, fingerprint: string): boolean =>
  there.kind === 'found'
    ? deps.fingerprint(claim.address, there.secret) === fingerprint
    : there.kind === 'absent' && fingerprint === ABSENT

async function rewriteSource(source: Store, step: Copy, call: Call): Promise<Step> {
  const condition: Condition = step.sourceFence === null ? { kind: 'any' } : { kind: 'at', fence: step.sourceFence }
  const { address } = step.claim
  const outcome =
    step.secret === null
      ? await source.remove(address, condition, call)
      : await source.put(address, step.secret, condition, call)
  if (outcome.kind === 'done')
    return step.put ? step : end(step.claim, { kind: 'equal', fingerprint: step.fingerprint, versions: step.versions })
  return end(step.claim, outcome.kind === 'unknown' ? null : { kind: 'later', reason: `source: ${outcome.kind}` })
}

async function applyAll(target: Store, steps: readonly Step[], call: Call): Promise<readonly Settled[]> {
  const copies = steps.filter((step): step is Copy => step.kind === 'copy')
  const requests = new Map(
    copies.flatMap((copy) => {
      const { claim, secret, condition } = copy
      return secret === null ? [] : [[copy, { address: claim.address, secret, condition }] as const]
    }),
  )
  const done = await inBatches([...requests.values()], itself, target.capabilities.batch.max, (some) =>
    target.putMany(some, call),
  )
  const outcomes = new Map<Copy, PutOutcome>()
  for (const [copy, request] of requests) outcomes.set(copy, done.of(request))
  const removes = copies.filter((copy) => copy.secret === null)
  await Promise.all(
    removes.map(async (copy) => outcomes.set(copy, await target.remove(copy.claim.address, copy.condition, call))),
  )
  return steps.map((step) =>
    step.kind === 'end' ? step : { claim: step.claim, result: outcomeOf(step, outcomes.get(step) as PutOutcome) },
  )
}

function outcomeOf(copy: Copy, outcome: PutOutcome): SettleResult | null {
  switch (outcome.kind) {
    case 'done': {
      const target = otherSide(copy.claim.source)
      const versions = outcome.version === null ? copy.versions : { ...copy.versions, [target]: outcome.version }
      return { kind: 'equal', fingerprint: copy.fingerprint, versions }
    }
    case 'conflict':
      return { kind: 'later', reason: 'target: conflict' }
    case 'refused':
      return outcome.reason === 'unrepresentable' || outcome.reason === 'too-large'
        ? { kind: 'quarantine', reason: outcome.reason, current: copy.fingerprint }
        : { kind: 'later', reason: `target: ${outcome.detail ?? outcome.reason}` }
    case 'unknown':
      return null
  }
}
