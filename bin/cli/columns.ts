import { stripVTControlCharacters } from 'node:util'

const width = (text: string): number => [...stripVTControlCharacters(text)].length

/** Rows as padded columns with a heading; the last column is not padded. */
export const columns = (heading: readonly string[], rows: readonly (readonly string[])[]): string => {
  const all = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)),
      )
      .join('  ')
      .trimEnd()
  return `${all.map(line).join('\n')}\n`
}
