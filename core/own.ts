/**
 * A record that inherits nothing, so that a name which somebody else chose finds only what was put there: `constructor` and
 * `__proto__` are names as any other.
 */
export const ownRecord = <T>(entries: Iterable<readonly [string, T]>): Record<string, T> =>
  Object.assign(Object.create(null) as Record<string, T>, Object.fromEntries(entries))
