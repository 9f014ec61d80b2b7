/**
 * Whether a JSON document comes back with equal canonical JSON from a store that keeps it as a map of its own and writes
 * it anew, as Vault and OpenBao do. Strings must be well-formed: half of a surrogate pair becomes U+FFFD there.
 */

/** Number literals are kept, but one beyond a double is refused as a whole document (OpenBao 2.7.2, tried with 1e400). */
export const survivesLiterals = (text: string): boolean => survives(text, (literal) => Number.isFinite(Number(literal)))

/** Numbers pass through a double and are written in its shortest form, by the same rules as JavaScript's, but for -0. */
export const survivesDoubles = (text: string): boolean =>
  survives(text, (literal) => literal === '-0' || String(Number(literal)) === literal)

function survives(text: string, keeps: (literal: string) => boolean): boolean {
  const check = function (this: unknown, key: string, value: unknown, context?: { source?: string }): unknown {
    assertKept(key.isWellFormed())
    if (typeof value === 'number') assertKept(keeps(context?.source ?? ''))
    if (typeof value === 'string') assertKept(value.isWellFormed())
    return value
  }
  try {
    JSON.parse(text, check)
    return true
  } catch {
    return false
  }
}

function assertKept(kept: boolean): void {
  if (!kept) throw new Error('not kept')
}

/** Strings of a JSON text, keys counted, which servers limit. */
export const countStrings = (json: string): number => json.match(/"(?:[^"\\]|\\.)*"/g)?.length ?? 0
