import type { Clock } from '../../core/clock.ts'

/** Takes samples of the counts until the signal is aborted; never rejects. */
export async function sampleForever(
  { clock, take }: { readonly clock: Clock; readonly take: () => Promise<boolean> },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // The ledger is away, or somebody holds its tables: the next look comes soon enough for a chart.
    await take().catch(() => false)
    await clock.sleep(LOOK, signal).catch(() => undefined)
  }
}

/** ms between two looks of a process whether a sample is due; of all of them one takes it. */
const LOOK = 15_000
