/*
 * What the clients of one run did and saw, judged afterwards. A secret is a regular register: a read may return what the
 * latest write before it left, or what a write beside it wrote. So a write is *replaced* when another one that began
 * after it had ended was acknowledged, and a read that begins after that acknowledgement may not return it.
 *
 * Two exceptions for a write that was told "unknown" (`test/simulation/history.ts` has the same rule): it may take effect
 * or never; and on a store without a fence it may surface until its lease is over, also over an acknowledged put. A delete
 * waits for the lease, so nothing that began before it surfaces after it. A write that was told "failed" is never seen.
 *
 * All times are of one clock, in ms: the driver's.
 */
export type Told = 'acknowledged' | 'failed' | 'unknown'

export interface WriteRecord {
  readonly kind: 'write'
  readonly id: string
  readonly secret: string
  /** null: a delete. Otherwise unlike any other write's. */
  readonly value: string | null
  readonly from: number
  /** Infinity: nobody knows when the server stops working on it. */
  readonly to: number
  readonly told: Told
  /** Who answered, for people. */
  readonly note: string
}

export interface ReadRecord {
  readonly kind: 'read'
  readonly id: string
  readonly secret: string
  readonly from: number
  readonly to: number
  /** null: not found. */
  readonly value: string | null
  /** Who answered, for people. */
  readonly note: string
  /** After everything had ended: what it shows is there to stay. */
  readonly final: boolean
}

export type HistoryRecord = WriteRecord | ReadRecord

/**
 * `lost`: an acknowledged value is gone, or the end is older than the last acknowledged write. `stale`: a read showed what
 * was replaced, or what was never written. `resurrected`: a deleted secret came back.
 */
export type FindingKind = 'lost' | 'stale' | 'resurrected'

export interface Finding {
  readonly kind: FindingKind
  readonly read: ReadRecord
  readonly why: string
  /** The write that replaced what was read. */
  readonly replacedBy: WriteRecord | null
}

export interface HistoryRules {
  /** ms after its end for which a write that was told "unknown" may still surface. */
  readonly lease: number
}

/** What each secret held before the run; a secret that is not named was absent. */
export type Initial = ReadonlyMap<string, string>

/** Every read that no order of the writes explains. */
export function judge(initial: Initial, records: readonly HistoryRecord[], rules: HistoryRules): readonly Finding[] {
  return [...Map.groupBy(records, ({ secret }) => secret)].flatMap(([secret, own]) =>
    judgeSecret(initial.get(secret) ?? null, secret, own, rules),
  )
}

/** A write, and the first acknowledged one that replaced it. */
interface Judged {
  readonly write: WriteRecord
  readonly replacedBy: WriteRecord | null
}

function judgeSecret(
  initial: string | null,
  secret: string,
  records: readonly HistoryRecord[],
  rules: HistoryRules,
): readonly Finding[] {
  const writes = [before(secret, initial), ...records.filter((record) => record.kind === 'write')]
  const acknowledged = writes.filter(({ told }) => told === 'acknowledged').sort((a, b) => a.to - b.to)
  const judged = writes.map((write) => ({ write, replacedBy: replacing(write, acknowledged, rules) }))
  return records
    .filter((record) => record.kind === 'read')
    .flatMap((read) => {
      const finding = judgeRead(read, judged)
      return finding === null ? [] : [finding]
    })
}

const before = (secret: string, value: string | null): WriteRecord => ({
  kind: 'write',
  id: 'initial',
  secret,
  value,
  from: Number.NEGATIVE_INFINITY,
  to: Number.NEGATIVE_INFINITY,
  told: 'acknowledged',
  note: 'before the run',
})

/** `acknowledged` is in the order of ends, so the first that fits is the earliest. */
const replacing = (write: WriteRecord, acknowledged: readonly WriteRecord[], { lease }: HistoryRules) =>
  acknowledged.find((later) => {
    const surfaces = write.told === 'unknown' && later.value !== null ? lease : 0
    return later !== write && later.from > write.to + surfaces
  }) ?? null

function judgeRead(read: ReadRecord, judged: readonly Judged[]): Finding | null {
  const began = judged.filter(({ write }) => write.from < read.to)
  const visible = began.filter(({ write, replacedBy }) => write.told !== 'failed' && !isOver(replacedBy, read))
  if (visible.some(({ write }) => write.value === read.value)) return null
  const seen = began.find(({ write }) => write.value === read.value)
  const found = (kind: FindingKind, why: string): Finding => ({
    kind,
    read,
    why,
    replacedBy: seen?.replacedBy ?? null,
  })
  if (read.value === null) return found('lost', 'not found, and nothing deleted it')
  if (seen === undefined) return found('stale', 'nobody had written that')
  if (seen.write.told === 'failed') return found('stale', 'its write was told that it had failed')
  if (visible.some(({ write }) => write.value === null && write.told === 'acknowledged')) {
    return found('resurrected', 'it was deleted')
  }
  return found(read.final ? 'lost' : 'stale', 'it was replaced')
}

const isOver = (replacedBy: WriteRecord | null, read: ReadRecord): boolean =>
  replacedBy !== null && replacedBy.to < read.from

/** The share of operations that ran at the same time as another one on the same secret. */
export function overlapOf(records: readonly HistoryRecord[]): number {
  const counted = records.filter((record) => record.kind === 'write' || !record.final)
  const overlapping = [...Map.groupBy(counted, ({ secret }) => secret).values()].reduce(
    (sum, own) => sum + countOverlapping(own),
    0,
  )
  return counted.length === 0 ? 0 : overlapping / counted.length
}

function countOverlapping(records: readonly HistoryRecord[]): number {
  const sorted = records.toSorted((a, b) => a.from - b.from)
  let ended = Number.NEGATIVE_INFINITY
  return sorted.filter(({ from, to }, index) => {
    const overlapsEarlier = from < ended
    ended = Math.max(ended, to)
    return overlapsEarlier || (sorted[index + 1]?.from ?? Number.POSITIVE_INFINITY) < to
  }).length
}
