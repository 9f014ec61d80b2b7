/**
 * Whether a JSON document comes back from a `jsonb` column with equal canonical JSON. `jsonb` sorts keys and drops
 * white space, which the canonical form does too, but it also rewrites numbers (`1e2` becomes `100`, `-0` becomes `0`),
 * keeps the last of two equal keys, and refuses `\u0000`, halves of surrogate pairs, and numbers beyond `numeric`.
 */
export function survivesJsonb(text: string): boolean {
  try {
    JSON.parse(text, check)
    return true
  } catch {
    return false
  }
}

/** What `numeric` takes: 131072 digits before the point, 16383 after it. */
const PLAIN_NUMBER = /^-?(?:0|[1-9]\d{0,131071})(?:\.\d{1,16383})?$/
const MINUS_ZERO = /^-0(?:\.0*)?$/

function check(this: unknown, key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number')
    assertKept(PLAIN_NUMBER.test(context?.source ?? '') && !MINUS_ZERO.test(context?.source ?? ''))
  if (typeof value === 'string') assertKept(value.isWellFormed() && !value.includes('\0'))
  assertKept(key.isWellFormed() && !key.includes('\0'))
  return value
}

function assertKept(kept: boolean): void {
  if (!kept) throw new Error('not kept')
}
