/*
 * What a person sees on a terminal. Names, reasons and messages are chosen by others: a control character in one could move the
 * cursor, hide a line or write one that nobody said. Answers of a server are made printable as they arrive (session.ts), so
 * that no verb can forget it; what is written passes the guard once more (report.ts).
 */

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const escaped = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`

/** One piece of text of somebody else's, on one line. */
export const printable = (text: string): string => text.replace(HIDDEN, escaped)

/** The same of every text of an answer, keys too. */
export function printableIn<T>(value: T): T
export function printableIn(value: unknown): unknown {
  if (typeof value === 'string') return printable(value)
  if (Array.isArray(value)) return value.map((item) => printableIn<unknown>(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [printable(key), printableIn<unknown>(item)]))
}

/** Colours, and what a table that is shown again and again is redrawn by. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const OURS = /^(?:[\n\t]|\u001b\[(?:[0-9;]*m|[HJK]))$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const PIECES = /\u001b\[(?:[0-9;]*m|[HJK])|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Text that we made, with lines and colours of our own; nothing else that controls a terminal gets through. */
export const guarded = (text: string): string =>
  text.replace(PIECES, (piece) => (OURS.test(piece) ? piece : escaped(piece)))

/** JSON that says the same, without a character that controls a terminal. */
export const printableJson = (value: object): string =>
  JSON.stringify(value).replace(HIDDEN, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
