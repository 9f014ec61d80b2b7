import type { Side } from '../../core/side.ts'
import { otherSide } from '../../core/side.ts'
import type {
  BeginAnswer,
  BeginRequest,
  FinishAnswer,
  FinishRequest,
  Fresh,
  IntegrationState,
  SettleRequest,
  WritePlan,
} from '../../ledger/ledger.ts'
import { type Before, type Begun, type Found, freshRow, type Op, type Row, type Step } from './row.ts'

/*
 * The state machine of a row, as ledger/postgres/sql has it, on plain objects. The simulation runs the real read, write
 * and settle code over it; ledger-equivalence.test.ts holds it to the SQL one, row by row and answer by answer.
 * Mutants replace single functions of RULES.
 */

const isEmpty = (ops: Row['ops']): boolean => Object.keys(ops).length === 0

const without = (ops: Row['ops'], op: string): Row['ops'] => {
  const { [op]: _ended, ...rest } = ops
  return rest
}

const moveFresh = (row: Row, fresh: Fresh): Row =>
  row.fresh === fresh ? row : { ...row, fresh, seq: row.seq + 1, known: false }

const becomeBoth = (rules: RowRules, row: Row, fingerprint: string): Row => ({
  ...rules.moveFresh(row, 'both'),
  known: false,
  loose: false,
  deleted: fingerprint === 'absent',
  gone: fingerprint === 'absent',
  current: fingerprint,
  copied: true,
  quarantine: null,
  attempts: 0,
  settleAfter: Number.NEGATIVE_INFINITY,
})

const isWrite = (op: Op): boolean => op.kind !== 'settle'

/** A settle is none. */
const isWritten = (ops: Row['ops']): boolean => Object.values(ops).some(isWrite)

const expire = (rules: RowRules, row: Row, now: number): Row => {
  let rest = row
  for (const [id, op] of Object.entries(row.ops).filter(([, { until }]) => until < now)) {
    const ended: Row = { ...rest, ops: without(rest.ops, id), loose: true }
    rest = isWrite(op) ? { ...rules.meant(ended, op.kind), before: rules.unclear(rest.before), current: null } : ended
  }
  return putBack(rules, rest)
}

/** A delete ended otherwise than refused: absence may be meant from here on. */
const meant = (row: Row, kind: Op['kind']): Row => ({ ...row, gone: row.gone || kind === 'delete' })

/**
 * The last of some writes has ended, and none was applied for certain. If all were refused the row is as it was; `seq`
 * alone keeps growing. If one ended by its lease, nobody knows; where new may hold what is not ours, it stays foreign all
 * the same.
 */
const putBack = (rules: RowRules, row: Row): Row =>
  row.before === null || !rules.allEnded(row.ops) ? row : { ...rules.restored(row, row.before), before: null }

const restored = (rules: RowRules, row: Row, { version, fresh, current, foreign, unknown }: Before): Row => {
  if (!unknown) return { ...rules.moveFresh(row, fresh), version, current }
  return { ...row, version: foreign && version === 0 ? 0 : row.version }
}

const admits = (state: IntegrationState, { first, second }: WritePlan): boolean => {
  switch (state) {
    case 'enrolled':
      return true
    case 'enrolling':
    case 'abandoning':
      return first === 'legacy' && second === null
    case 'finalizing':
      return first === 'new' && second === null
    default:
      return false
  }
}

/** Why a begin may not go on, or null. */
const refusal = (row: Row, request: BeginRequest, now: number): BeginAnswer | null => {
  const open = Object.values(row.ops)
  const exclusive = open.some((op) => op.exclusive)
  if (open.length > 0 && (request.expect !== null || request.needsQuiet || exclusive)) {
    return { kind: 'busy', retryAfter: Math.max(...open.map((op) => op.until)) - now }
  }
  if (request.expect === null) return null
  if (row.current === null) return { kind: 'not-known' }
  return row.current === request.expect ? null : { kind: 'mismatch' }
}

/** The register of this operation and whether the other side is put to as well. */
const puts = (row: Row, plan: WritePlan): { readonly first: Side; readonly second: Side | null } => ({
  first: row.first,
  second: plan.second !== null || row.first !== plan.first ? otherSide(row.first) : null,
})

const begin = (
  rules: RowRules,
  { found, state, inventoried }: Found,
  request: BeginRequest,
  now: number,
): Step<BeginAnswer> => {
  const start = found ?? freshRow(request.plan.first)
  const again = start.ops[request.op]
  if (again?.answer) return { row: start, answer: again.answer }
  const quiet = rules.expire(start, now)
  const refused = rules.refusal(quiet, request, now)
  if (refused !== null) return { row: start, answer: refused }
  const alone = isEmpty(quiet.ops)
  const { version: was, fresh, current } = quiet
  const foreign = !quiet.copied && !(quiet.blank && inventoried)
  const before = rules.opens(quiet.ops) ? { version: was, fresh, current, foreign, unknown: false } : quiet.before
  const opened: Row = alone
    ? { ...quiet, before, first: request.plan.first }
    : { ...quiet, before, current: rules.currentOfJoined(quiet) }
  const moved = opened.fresh === 'both' ? rules.moveFresh(opened, opened.first) : opened
  const { first, second } = rules.puts(moved, request.plan)
  const version = moved.version + 1
  const answer: Begun = {
    kind: 'begun',
    version,
    first,
    second,
    alone,
    fresh: moved.fresh,
    seq: moved.seq,
    known: moved.known,
    blank: moved.blank,
  }
  const op: Op = {
    kind: request.kind,
    version,
    // Beside one that does not track its writes yet, nobody is alone.
    alone: alone && state !== 'enrolling',
    exclusive: request.expect !== null,
    fingerprint: request.fingerprint,
    until: now + request.lease,
    answer,
  }
  const begun = rules.begins(moved, request.kind)
  const blank = begun.blank && first !== 'new' && second !== 'new'
  return { row: { ...begun, version, blank, ops: { ...begun.ops, [request.op]: op } }, answer }
}

/** Alone from begin to end: nobody was open before, nobody began since. */
const undisturbed = (row: Row, op: Op, rest: Row['ops']): boolean =>
  op.alone && op.version === row.version && isEmpty(rest)

const finish = (rules: RowRules, found: Row | null, request: FinishRequest): Step<FinishAnswer> | null => {
  const op = found?.ops[request.op]
  if (found === null || op === undefined) return rules.finishEnded(found, request)
  const rest = without(found.ops, request.op)
  const lone = rules.undisturbed(found, op, rest)
  const left = { ...found, ops: rules.staysOpen(request.outcome) ? found.ops : rest }
  const counted = request.outcome === 'failed' ? left : rules.meant({ ...left, ...rules.applied(left) }, op.kind)
  const row = rules.ended(counted, op, request.outcome, lone)
  const next: Row = {
    ...row,
    versions: { ...row.versions, ...request.versions },
    known: row.known || request.knownSeq === row.seq,
  }
  return { row: next, answer: { kind: 'done', fresh: next.fresh, seq: next.seq, known: next.known } }
}

const ended = (rules: RowRules, row: Row, op: Op, outcome: FinishRequest['outcome'], lone: boolean): Row => {
  switch (outcome) {
    case 'clean':
      if (lone) return becomeBoth(rules, row, op.fingerprint as string)
      return { ...rules.moveFresh(row, row.first), current: null }
    case 'debt':
      return { ...rules.moveFresh(row, row.first), current: lone ? op.fingerprint : null }
    case 'debt-open':
      return rules.moveFresh(row, row.first)
    case 'failed':
      return putBack(rules, row)
  }
}

const claim = (rules: RowRules, row: Row, op: string, now: number, lease: number): Row => {
  const quiet = rules.expire(row, now)
  const settling: Op = {
    kind: 'settle',
    version: quiet.version,
    alone: true,
    exclusive: false,
    fingerprint: null,
    until: now + lease,
    answer: null,
  }
  return rules.claimed({ ...quiet, ops: rules.registers(op, settling) }, quiet.fresh as Side)
}

const settled = (
  rules: RowRules,
  found: Row | null,
  request: SettleRequest,
  now: number,
): Step<FinishAnswer> | null => {
  const op = found?.ops[request.op]
  if (found === null || op === undefined) return rules.settledEnded(found, request, now)
  const row = { ...found, ops: without(found.ops, request.op) }
  const unchanged = rules.nobodyBegan(row, op)
  const next = applyResult(rules, row, request.result, unchanged, now)
  return { row: next, answer: { kind: 'done', fresh: next.fresh, seq: next.seq, known: next.known } }
}

export const applyResult = (
  rules: RowRules,
  row: Row,
  result: SettleRequest['result'],
  unchanged: boolean,
  now: number,
): Row => {
  switch (result.kind) {
    case 'equal': {
      if (!unchanged) return row
      const both = becomeBoth(rules, row, result.fingerprint)
      return { ...both, blank: false, versions: { ...both.versions, ...result.versions } }
    }
    case 'later': {
      const attempts = row.attempts + 1
      return { ...row, attempts, settleAfter: now + Math.min(30_000, 250 * 2 ** Math.min(attempts, 10)) }
    }
    case 'quarantine':
      return unchanged ? { ...row, quarantine: result.reason, current: result.current ?? row.current } : row
  }
}

/** The rules that mutants replace, one at a time. */
export interface RowRules {
  readonly moveFresh: (row: Row, fresh: Fresh) => Row
  readonly expire: (row: Row, now: number) => Row
  readonly admits: (state: IntegrationState, plan: WritePlan) => boolean
  readonly refusal: (row: Row, request: BeginRequest, now: number) => BeginAnswer | null
  readonly puts: (row: Row, plan: WritePlan) => { readonly first: Side; readonly second: Side | null }
  readonly currentOfJoined: (row: Row) => string | null
  readonly undisturbed: (row: Row, op: Op, rest: Row['ops']) => boolean
  readonly staysOpen: (outcome: FinishRequest['outcome']) => boolean
  readonly ended: (row: Row, op: Op, outcome: FinishRequest['outcome'], lone: boolean) => Row
  /** What a begin says of absence: nothing, before it is known how it ends. */
  readonly begins: (row: Row, kind: BeginRequest['kind']) => Row
  readonly opens: (ops: Row['ops']) => boolean
  readonly meant: (row: Row, kind: Op['kind']) => Row
  readonly applied: (row: Row) => Pick<Row, 'before' | 'quarantine'>
  readonly unclear: (before: Before | null) => Before | null
  readonly allEnded: (ops: Row['ops']) => boolean
  readonly restored: (row: Row, before: Before) => Row
  readonly finishEnded: (row: Row | null, request: FinishRequest) => Step<FinishAnswer> | null
  readonly registers: (id: string, op: Op) => Row['ops']
  readonly claimed: (row: Row, source: Side) => Row
  readonly nobodyBegan: (row: Row, op: Op) => boolean
  readonly settledEnded: (row: Row | null, request: SettleRequest, now: number) => Step<FinishAnswer> | null
}

/** Rules may refer to each other, so a set of them is made from what is replaced. */
export const makeRules = (replaced: (rules: RowRules) => Partial<RowRules> = () => ({})): RowRules => {
  const rules: RowRules = {
    moveFresh,
    expire: (row, now) => expire(rules, row, now),
    admits,
    refusal,
    puts,
    currentOfJoined: () => null,
    undisturbed,
    staysOpen: (outcome) => outcome === 'debt-open',
    ended: (row, op, outcome, lone) => ended(rules, row, op, outcome, lone),
    begins: (row) => row,
    opens: (ops) => !isWritten(ops),
    meant,
    applied: () => ({ before: null, quarantine: null }),
    unclear: (before) => before && { ...before, unknown: true },
    allEnded: (ops) => !isWritten(ops),
    restored: (row, before) => restored(rules, row, before),
    finishEnded: () => null,
    registers: (id, op) => ({ [id]: op }),
    claimed: (row, source) => ({ ...row, first: source, blank: row.blank && source !== 'legacy' }),
    nobodyBegan: (row, op) => op.version === row.version,
    settledEnded: () => null,
  }
  Object.assign(rules, replaced({ ...rules }))
  return rules
}

export const rowBegin = begin
export const rowFinish = finish
export const rowClaim = claim
export const rowSettled = settled
