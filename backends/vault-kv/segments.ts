/**
 * One segment of a path at the server, for any text. Text that the server takes as it is stands for itself, so that an
 * existing store stays readable; all else is `~` and the text with `~XX` for each byte that cannot stay. Because the
 * mark comes first, all escaped segments lie together in a listing, and the rest is in the order of its text: a scan can
 * go on from any name without reading a folder from its beginning.
 *
 * What cannot stay as it is (OpenBao 2.7.2, tried): `.` and `..` are refused, control and format characters too; an
 * empty segment is a folder's end; a trailing dot is refused by the documentation. A slash divides segments.
 */

const MARK = '~'

/**
 * Printable in every server's version of Unicode: ASCII, and letters, marks, digits, punctuation and symbols of blocks
 * that have been complete for long. Others would depend on the age of the server.
 */
const KEPT =
  /^[[\x20-\x2E\x30-\x7E\u00A1-\u052F\u3041-\u30FA\u4E00-\u9FA5\uAC00-\uD7A3]&&[ \p{L}\p{M}\p{N}\p{P}\p{S}]]$/v

const isKept = (character: string): boolean => KEPT.test(character)

export const isEscaped = (segment: string): boolean => segment.startsWith(MARK)

/** Whether the text stands for itself. */
export const standsForItself = (text: string): boolean =>
  text !== '' && !isEscaped(text) && !text.endsWith('.') && [...text].every(isKept)

/** Injective over all well-formed text, the empty one too. */
export function encodeSegment(text: string): string {
  if (standsForItself(text)) return text
  const characters = [...text]
  const last = characters.length - 1
  return MARK + characters.map((c, at) => (stays(c, at === last) ? c : escaped(c))).join('')
}

const stays = (character: string, isLast: boolean): boolean =>
  isKept(character) && character !== MARK && !(isLast && character === '.')

const escaped = (character: string): string =>
  [...Buffer.from(character, 'utf8')]
    .map((byte) => `${MARK}${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')

/** Null: no text has this segment, so it is not one of ours and cannot be addressed. */
export function decodeSegment(segment: string): string | null {
  const text = isEscaped(segment) ? unescaped(segment.slice(1)) : segment
  return text !== null && encodeSegment(text) === segment ? text : null
}

function unescaped(text: string): string | null {
  const bytes = text
    .split(/(~[0-9A-F]{2})/)
    .map((part) => (isEscaped(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part, 'utf8')))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes))
  } catch {
    return null
  }
}

/** The longest beginning of a text that stands for itself: a place from which a listing may go on, never too late. */
export function plainBeginning(text: string): string {
  const characters = [...text]
  const end = characters.findIndex((c, at) => !isKept(c) || (at === 0 && c === MARK))
  return end === -1 ? text : characters.slice(0, end).join('')
}
