import type { Clock } from '../../core/clock.ts'
import { duration, ratio } from '../cli/progress-line.ts'

/** ms between two lines. */
const APART = 2000

/** Says how far a large sample has come, and when it will be there; nothing of one that is made in a moment. */
export function tellSeeded({
  total,
  clock,
  note,
}: {
  readonly total: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly note: (text: string) => void
}): (secrets: number) => void {
  const start = clock.monotonic()
  let told = start
  return (secrets) => {
    const now = clock.monotonic()
    if (now - told < APART || secrets >= total) return
    told = now
    const left = ((now - start) / secrets) * (total - secrets)
    note(`Sample: ${ratio(secrets, total)}; Time: ${duration((now - start) / 1000)}; ETA: ${duration(left / 1000)}`)
  }
}
