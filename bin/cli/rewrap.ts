import type { RewrapResult } from '../../proxy/ops/keys.ts'
import type { Exit } from './exit-codes.ts'
import { duration } from './progress-line.ts'
import type { Session } from './session.ts'

/** Off a terminal a log is read later: a line now and then says enough. */
const LINE_MS = 5000

type Sums = Pick<RewrapResult, 'keys' | 'rows'>

/** Page by page to the end. Each page is whole, and what is carried over is left alone: begun again, it goes on. */
export async function rewrapAll(
  { io, ops, report }: Session,
  store: string,
  { customer, reason }: { readonly customer?: string; readonly reason: string },
): Promise<Exit> {
  const client = ops()
  const start = io.clock.monotonic()
  let shown = start
  let sums: Sums | null = null
  let total: number | null = null
  let after: string | null = null
  do {
    const body = {
      execute: true,
      reason,
      ...(customer === undefined ? {} : { customer }),
      ...(after === null ? {} : { after }),
    }
    const page: RewrapResult = await client.call('rewrapKeys', { params: { store }, body }, io.signal)
    sums = sums === null ? page : { keys: added(sums.keys, page.keys), rows: added(sums.rows, page.rows) }
    total ??= page.total
    after = page.next
    const now = io.clock.monotonic()
    if (now - shown >= LINE_MS || after === null) {
      report.note(progress(sums, total, (now - start) / 1000, after === null))
      shown = now
    }
  } while (after !== null)
  const left = sums.keys.unusable + sums.rows.undecryptable + sums.rows.revoked
  if (left > 0)
    report.note(
      `${left} could not be carried over: keep the previous root key until crossfade config check --connect is content`,
    )
  report.object({ executed: true, store, ...sums })
  return left > 0 ? 'partial' : 'ok'
}

const added = <T extends Readonly<Record<string, number>>>(a: T, b: T): T =>
  Object.fromEntries(Object.entries(a).map(([name, n]) => [name, n + (b[name] ?? 0)])) as T

/** `Keys: 12 (12 wrapped); Rows: 460/752 61.2% (460 resealed); Rate: 812/s; Time: 1s; ETA: 0s` */
function progress({ keys, rows }: Sums, total: number | null, seconds: number, isOver: boolean): string {
  const rate = rows.seen / Math.max(seconds, 0.001)
  const share =
    total === null
      ? `${rows.seen}`
      : `${rows.seen}/${total} ${total === 0 ? 100 : ((rows.seen / total) * 100).toFixed(1)}%`
  const left = total !== null && rows.seen > 0 ? duration(Math.max(0, total - rows.seen) / rate) : 'not known yet'
  return [
    `Keys: ${keys.seen} (${keys.wrapped} wrapped)`,
    `Rows: ${share} (${rows.resealed} resealed)`,
    `Rate: ${Math.round(rate)}/s`,
    `Time: ${duration(seconds)}`,
    isOver ? 'State: done' : `ETA: ${left}`,
  ].join('; ')
}
