import { isMap, literalOf, parseCanonical } from '../canonical-json.ts'
import { type Failure, no, unsure } from '../failure.ts'

type Fields = Readonly<Record<string, unknown>>
const NOTHING: Fields = {}

/** The body of an answer with its number literals kept, or null if it is no JSON map: cut off, or not the server's own. */
export function readAnswer(body: Buffer): Fields | null {
  try {
    const parsed = parseCanonical(body.toString('utf8'))
    return isMap(parsed) ? parsed : null
  } catch {
    // The message would quote the body.
    return null
  }
}

/** A part that must be a map; empty if it is not. */
export const part = (fields: Fields, key: string): Fields => {
  const value = fields[key]
  return isMap(value) ? value : NOTHING
}

/** The version in the metadata of an answer, or null if there is none. */
export function versionIn(metadata: Fields): number | null {
  const version = Number(literalOf(metadata['version']) ?? Number.NaN)
  return Number.isSafeInteger(version) ? version : null
}

export const textIn = (fields: Fields, key: string): string => {
  const value = fields[key]
  return typeof value === 'string' ? value : ''
}

/**
 * "There is no such secret": an empty list of errors, and nothing else. A mount that does not exist says so in an error,
 * and one of another version in a warning, under the same status; both would otherwise look like an empty store.
 */
export function saysNothingThere(body: Buffer): boolean {
  const answer = readAnswer(body)
  return answer !== null && isEmpty(answer['errors']) && answer['warnings'] == null
}

const isEmpty = (list: unknown): boolean => Array.isArray(list) && list.length === 0

/** Words of the server, in the order in which they are looked for. */
const WORDS: readonly (readonly [string, Failure])[] = [
  ['high complexity', no('too-large')], // more strings than max_request_json_strings
  ['too large', no('too-large')],
]

/** The check-and-set of KV 2 did not match. */
export const isMismatch = (status: number, body: Buffer): boolean => status === 400 && says(body, 'did not match')

/** What a status means that is neither success nor one of those the caller has looked for. */
export function refusalOf(status: number, body: Buffer): Failure {
  // Vault: this node has not yet seen what the token refers to. The request was not looked at.
  if (status === 412) return no('unavailable', true)
  if (status === 413) return no('too-large')
  if (status >= 400 && status < 500) return WORDS.find(([word]) => says(body, word))?.[1] ?? no('rejected')
  return unsure('protocol')
}

function says(body: Buffer, words: string): boolean {
  const errors = readAnswer(body)?.['errors']
  return Array.isArray(errors) && errors.some((error) => typeof error === 'string' && error.includes(words))
}
