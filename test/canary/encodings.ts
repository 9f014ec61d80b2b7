import { randomBytes } from 'node:crypto'

/*
 * How a value may be hidden in a text, and the search for it. A leak need not be whole: a log that cuts a line keeps a piece,
 * so every piece of twelve characters counts, in every encoding.
 */

/** Characters that JSON, URLs and HTML write otherwise, between two halves that no other text holds by chance. */
export const makeCanary = (): string => randomText() + SPECIAL + randomText()

const SPECIAL = '"\\/ é&=<\n'

const randomText = (): string => randomBytes(24).toString('base64').replace(/[+/=]/g, 'x')

/** Characters of the value that are a leak. */
const PIECE = 12

/** A piece that has this share of the special characters, which every canary has, may be in another one by chance. */
const SHARED = 1 / 2

/** Each spelling of a value, and how many of its characters are a piece of it. */
const ENCODINGS: Readonly<
  Record<string, { readonly forms: (value: string) => readonly string[]; readonly piece: number }>
> = {
  raw: { forms: (value) => [value], piece: PIECE },
  json: { forms: (value) => [inJson(value), inJson(inJson(value))], piece: PIECE },
  'json-ascii': { forms: (value) => [asciiJson(value)], piece: PIECE },
  url: {
    forms: (value) => [encodeURIComponent(value), new URLSearchParams({ v: value }).toString().slice(2)],
    piece: PIECE,
  },
  html: { forms: (value) => [inHtml(value)], piece: PIECE },
  hex: { forms: (value) => [hexOf(value), hexOf(value).toUpperCase()], piece: 2 * PIECE },
  base64: { forms: (value) => alignments(value, 'base64'), piece: (PIECE * 4) / 3 },
  base64url: { forms: (value) => alignments(value, 'base64url'), piece: (PIECE * 4) / 3 },
}

export const ENCODING_NAMES = Object.keys(ENCODINGS)

/** A value as each encoding spells it, in the middle of something. */
export const spelledIn = (encoding: string, value: string): readonly string[] => ENCODINGS[encoding]?.forms(value) ?? []

const inJson = (value: string): string => JSON.stringify(value).slice(1, -1)
const asciiJson = (value: string): string =>
  inJson(value).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
const inHtml = (value: string): string =>
  value.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c)
const hexOf = (value: string): string => Buffer.from(value).toString('hex')

/** Base64 depends on where in its groups of three bytes the value begins; the ends, which neighbours change, are left out. */
const alignments = (value: string, encoding: 'base64' | 'base64url'): readonly string[] =>
  [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]).toString(encoding)
    return text.replace(/=+$/, '').slice(before === 0 ? 0 : before + 1, -3)
  })

export type Search = (text: string) => readonly string[]

/** Finds in which encodings a text holds any piece of any of these values. */
export function makeSearch(values: readonly string[]): Search {
  const pieces = Object.entries(ENCODINGS).map(([encoding, { forms, piece }]) => {
    const special = new Set(forms(SPECIAL).flatMap((form) => piecesOf(form, piece * SHARED)))
    const shared = (text: string) => piecesOf(text, piece * SHARED).some((part) => special.has(part))
    const all = new Set(values.flatMap(forms).flatMap((form) => piecesOf(form, piece)))
    return { encoding, pieces: [...all].filter((text) => !shared(text)) }
  })
  return (text) =>
    pieces.filter((of) => of.pieces.some((piece) => text.includes(piece))).map(({ encoding }) => encoding)
}

const piecesOf = (form: string, length: number): readonly string[] =>
  Array.from({ length: Math.max(0, form.length - length + 1) }, (_, at) => form.slice(at, at + length))
