import { type Evidence, NO_EVIDENCE, type Verdict, verdictOf, weigh } from './evidence.ts'

/** One thing that copying can strain, as samples that were too slow, or that failed. Each who watches judges for himself. */
export interface Signal {
  /** `isBad`: too slow, or failed. */
  add(isBad: boolean): void
  watch(): Watching
}

export interface Watching {
  /** `silent`: nothing came lately, so there is nothing to strain. */
  verdict(): Verdict | 'silent'
  /** The speed has changed: what was seen before says nothing of the new one. */
  forget(): void
  /** Watches no longer. */
  end(): void
}

/** Without a sample for so long nobody is there. */
const SILENT_MS = 3000

/** `share`: of the samples that may be bad. */
export function makeSignal(now: () => number, share: number): Signal {
  const watching = new Set<{ evidence: Evidence }>()
  let last = Number.NEGATIVE_INFINITY
  return {
    add: (isBad) => {
      last = now()
      for (const own of watching) own.evidence = weigh(own.evidence, share, isBad)
    },
    watch: () => {
      const own = { evidence: NO_EVIDENCE }
      watching.add(own)
      return {
        verdict: () => (now() - last > SILENT_MS ? 'silent' : verdictOf(own.evidence)),
        forget: () => {
          own.evidence = NO_EVIDENCE
        },
        end: () => watching.delete(own),
      }
    },
  }
}
