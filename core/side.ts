/** One of the two stores: `legacy` is where the secrets come from, `new` where they go. */
export const SIDES = ['legacy', 'new'] as const
export type Side = (typeof SIDES)[number]

export const otherSide = (side: Side): Side => (side === 'legacy' ? 'new' : 'legacy')
