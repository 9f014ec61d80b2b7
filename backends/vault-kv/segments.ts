/**
 * One segment of a path at the server, for any text. Text that the server takes as it is stands for itself, whatever it
 * looks like: what others wrote is read, listed and overwritten where it lies. All else is `~crossfade~` and the text with
 * `~XX` for each byte that cannot stay. A key that only looks like that, since its text needs no escape, is its own text;
 * a text that is the image of another is escaped once more. Because the mark comes first, all escaped segments lie together
 * in a listing, and the rest is in the order of its text: a scan can go on from any name without reading a folder from its
 * beginning.
 *
 * What cannot stay (OpenBao 2.7.2, tried; Vault's code is the same): characters that are not printable (controls, formats,
 * private use, every space but the ASCII one), which are a 400, and `.` and `..`, which are resolved on the way. An empty
 * segment is a folder's end. A slash divides segments.
 */

const MARK = '~crossfade~'

/**
 * A character that the server's version of Unicode may not know stays: a newer server than this process takes it, and a
 * secret may lie there; an older one refuses it.
 */
const KEPT = /^[ \p{L}\p{M}\p{N}\p{P}\p{S}\p{Cn}]$/u
const NEVER = /[/\p{Noncharacter_Code_Point}]/u

const isKept = (character: string): boolean => KEPT.test(character) && !NEVER.test(character)

/** Whether the text stands for itself. */
export const standsForItself = (text: string): boolean =>
  text !== '' && text !== '.' && text !== '..' && [...text].every(isKept) && !isEscaped(text)

/** Injective over all well-formed text, the empty one too. */
export const encodeSegment = (text: string): string => (standsForItself(text) ? text : image(text))

function image(text: string): string {
  const onlyDots = text === '.' || text === '..'
  return MARK + [...text].map((c) => (isKept(c) && c !== '~' && !onlyDots ? c : escaped(c))).join('')
}

const escaped = (character: string): string =>
  [...Buffer.from(character, 'utf8')].map((byte) => `~${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

/** Null: no text has this segment, so it is not one of ours and cannot be addressed. */
export const decodeSegment = (segment: string): string | null =>
  textBehind(segment) ?? (standsForItself(segment) ? segment : null)

/** Whether the segment is the image of a text that cannot stand for itself. */
export const isEscaped = (segment: string): boolean => textBehind(segment) !== null

/** Whether the segment lies among the escaped ones of a listing. */
export const isMarked = (segment: string): boolean => segment.startsWith(MARK)
/** A key before all that are marked, and behind all else that comes before them. */
export const BEFORE_MARKED = '~crossfade}'

function textBehind(segment: string): string | null {
  if (!isMarked(segment)) return null
  const text = unescaped(segment.slice(MARK.length))
  return text !== null && !standsForItself(text) && image(text) === segment ? text : null
}

function unescaped(text: string): string | null {
  const bytes = text
    .split(/(~[0-9A-F]{2})/)
    .map((part) => (part.startsWith('~') ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part, 'utf8')))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes))
  } catch {
    return null
  }
}

/** The longest beginning of a text in characters that stay: a place from which a listing may go on, never too late. */
export function plainBeginning(text: string): string {
  const characters = [...text]
  const end = characters.findIndex((c) => !isKept(c))
  return end === -1 ? text : characters.slice(0, end).join('')
}
