/** One write, on the clock of the bench, in ms. */
export interface Timed {
  readonly sent: number
  readonly answered: number
}

/** A write that takes longer than this was held up by somebody. */
export const STALL_MS = 500

/** The spans in which at least one write was held up; overlapping ones are one. */
export const stallsOf = (writes: readonly Timed[]): readonly Timed[] => {
  const slow = writes.filter(({ sent, answered }) => answered - sent > STALL_MS).sort((a, b) => a.sent - b.sent)
  const spans: Timed[] = []
  for (const write of slow) {
    const last = spans.at(-1)
    if (last === undefined || write.sent > last.answered) spans.push(write)
    else spans[spans.length - 1] = { sent: last.sent, answered: Math.max(last.answered, write.answered) }
  }
  return spans
}
