/** One rule of the protocol taken away by an edit of one module as it is loaded; the shipped code knows nothing of it. */
export interface Mutant {
  readonly breaks: string
  /** Below the project's folder. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly from: string
  readonly to: string
}

export const MUTANTS = {
  'announce-none': {
    breaks: 'a write that leaves a debt is answered when every live replica knows of it',
    file: 'ledger/coherence.ts',
    from: 'pending.push({ debt, resolve, reject })',
    to: 'if (true) return resolve()\n        pending.push({ debt, resolve, reject })',
  },
  'fallback-blind': {
    breaks: 'a fallback never goes to a side that owes',
    file: 'proxy/core/rules.ts',
    from: '  provenFresh,\n  notFoundIsFinal',
    to: '  provenFresh: () => true,\n  notFoundIsFinal',
  },
  'debt-forgotten': {
    breaks: 'a second put that failed leaves a debt',
    file: 'proxy/core/write.ts',
    from: "if (second?.kind === 'done') return 'clean'",
    to: "if (second !== null) return 'clean'",
  },
} as const satisfies Readonly<Record<string, Mutant>>

export type MutantName = keyof typeof MUTANTS

export const MUTANT_NAMES = Object.keys(MUTANTS) as readonly MutantName[]

export const isMutantName = (text: string): text is MutantName => Object.hasOwn(MUTANTS, text)
