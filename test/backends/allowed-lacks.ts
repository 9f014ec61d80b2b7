/*
 * What a store may lack is fixed here, so that an adapter which can do less than before is a failure of the report, and
 * not a longer list in it. A table has no versions that survive deletes without both columns, and no place for what has no
 * column. A store that nobody has said anything about may lack nothing.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'memory plain': ['versions'],
  'postgres bare text': ['versions', 'content-type', 'metadata'],
  'postgres json in byte order': ['versions', 'metadata'],
  'postgres jsonb with version': ['versions', 'content-type'],
  'postgres base64, deleted_at': ['versions', 'content-type', 'metadata'],
  'postgres with cipher, fenced': ['content-type'],
  kv1: ['conditional-writes', 'versions'],
  'kv1 map': ['conditional-writes', 'versions'],
}

/** What one adapter did in the suite. */
export interface Result {
  readonly passed: number
  readonly failed: number
  readonly lacks: readonly string[]
}

/** In words, what of these results is not as it must be, besides checks that failed. */
export function complaintsOf(stores: ReadonlyMap<string, Result>): readonly string[] {
  return [...stores].flatMap(([name, { passed, failed, lacks }]) => {
    const allowed = ALLOWED[name] ?? []
    const beyond = lacks.filter((feature) => !allowed.includes(feature))
    if (beyond.length > 0) return [`${name}: lacks ${beyond.join(', ')}, which it must have`]
    return passed + failed === 0 ? [`${name}: was not run`] : []
  })
}
