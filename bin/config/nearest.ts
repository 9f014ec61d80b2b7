/** The known word closest to `word`, or null if none is close enough to be what was meant. */
export function nearest(word: string, known: readonly string[]): string | null {
  const limit = Math.max(2, Math.floor(word.length / 3))
  const ranked = known.map((candidate) => ({ candidate, distance: distance(word, candidate) }))
  const [best] = ranked.sort((a, b) => a.distance - b.distance)
  return best && best.distance <= limit ? best.candidate : null
}

/** Edits (insert, remove, replace) that turn one word into the other: Levenshtein, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
