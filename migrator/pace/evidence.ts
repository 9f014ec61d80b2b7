/*
 * Wald's sequential test of a share: are so many of all samples too slow, or not? It is sure as soon as the samples allow:
 * four slow ones in a row are enough to slow down, and one among a hundred is no reason to. The evidence is bounded on both
 * sides (Page), so that an hour without trouble does not hide a minute of it.
 *
 * With `share` at the middle: half of it is well, and twice of it is not; what lies at it drives the evidence nowhere.
 */
export interface Evidence {
  /** Above 0: rather strained. */
  readonly weight: number
}

export type Verdict = 'strained' | 'well' | 'unsure'

export const NO_EVIDENCE: Evidence = { weight: 0 }

/** One wrong verdict `strained` in twenty, and `well` in seven: slowing down for nothing costs more than waiting a second. */
const STRAINED = Math.log(20)
const WELL = -2

/** What is strained stays so, however well it goes on: whoever looks now and then shall not miss it. */
export function weigh(evidence: Evidence, share: number, isBad: boolean): Evidence {
  const { weight } = evidence
  if (weight >= STRAINED) return evidence
  const [good, bad] = [share / 2, Math.min(0.95, share * 2)]
  const step = isBad ? Math.log(bad / good) : Math.log((1 - bad) / (1 - good))
  return { weight: Math.min(STRAINED, Math.max(WELL, weight + step)) }
}

export const verdictOf = ({ weight }: Evidence): Verdict =>
  weight >= STRAINED ? 'strained' : weight <= WELL ? 'well' : 'unsure'
