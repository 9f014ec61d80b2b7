/** A pattern in which `*` stands for any run of characters, empty too; everything else is literal. */
export interface Glob {
  readonly text: string
  matches(candidate: string): boolean
}

/**
 * Matches piece by piece, leftmost first, without a regular expression: time is linear in the candidate for each piece,
 * so no pattern of a configuration can make a request slow.
 */
export const makeGlob = (text: string): Glob => {
  const [head = '', ...rest] = text.split('*')
  const tail = rest.pop()
  if (tail === undefined) return { text, matches: (candidate) => candidate === head }
  return { text, matches: (candidate) => matchesPieces(candidate, head, rest, tail) }
}

function matchesPieces(candidate: string, head: string, middle: readonly string[], tail: string): boolean {
  if (candidate.length < head.length + tail.length || !candidate.startsWith(head) || !candidate.endsWith(tail))
    return false
  const end = candidate.length - tail.length
  let at = head.length
  for (const piece of middle) {
    const found = candidate.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}
