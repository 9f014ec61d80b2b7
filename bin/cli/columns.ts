import { stripVTControlCharacters } from 'node:util'
import { printable } from './printable.ts'

const width = (text: string): number => [...stripVTControlCharacters(text)].length

/** Rows as padded columns with a heading; the last column is not padded. */
export const columns = (heading: readonly string[], rows: readonly (readonly string[])[]): string => {
  // A cell is one line, whatever it was made of.
  const all = [heading, ...rows].map((row) => row.map((cell) => cell.replace(/[\n\t]/g, printable)))
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
