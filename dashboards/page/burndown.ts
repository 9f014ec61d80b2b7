import type { History } from '../../proxy/ops/history.ts'

/** What is left at an instant, of what was chosen. */
export interface LeftPoint {
  readonly at: string
  /** Not copied yet. */
  readonly toCopy: number
  /** Not verified yet, copied or not. */
  readonly toVerify: number
}

/** One series, or the sum of all where `key` is null. A series begins at its first sample, so that sums begin with the oldest. */
export function leftOf({ series }: History, key: string | null): readonly LeftPoint[] {
  const sums = new Map<string, { toCopy: number; toVerify: number }>()
  for (const { points } of series.filter((one) => key === null || one.key === key)) {
    for (const { at, counts } of points) {
      const sum = sums.get(at) ?? { toCopy: 0, toVerify: 0 }
      sum.toCopy += counts.left
      sum.toVerify += Math.max(0, counts.discovered - counts.verified)
      sums.set(at, sum)
    }
  }
  return [...sums].map(([at, sum]) => ({ at, ...sum })).sort((a, b) => (a.at < b.at ? -1 : 1))
}

/** How many of the latest points the pace is taken of. */
const RECENT = 20

/** Seconds until nothing is left at the pace of late; null: nothing is left, or it does not get less. */
export function secondsLeft(points: readonly LeftPoint[]): number | null {
  const recent = points.slice(-RECENT)
  const [first, last] = [recent[0], recent.at(-1)]
  if (first === undefined || last === undefined || last.toCopy === 0 || first.toCopy <= last.toCopy) return null
  const seconds = (Date.parse(last.at) - Date.parse(first.at)) / 1000
  return (last.toCopy * seconds) / (first.toCopy - last.toCopy)
}
