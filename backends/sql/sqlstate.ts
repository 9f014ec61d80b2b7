import { type Failure, no, unsure } from '../failure.ts'

/**
 * SQLSTATE, or its class of two characters. An ERROR that the server reports has ended its transaction, so it is
 * certain; those that end the connection (57P, 08) may have met a commit under way, so they are not.
 * The message of the driver never leaves this room: it may quote a value.
 */
const MEANINGS: Readonly<Record<string, Failure>> = {
  '08': unsure('connection-lost'),
  '08P01': unsure('protocol'),
  '0A': no('rejected'),
  '21': no('rejected'),
  '22': no('rejected'),
  '22001': no('too-large'), // string_data_right_truncation
  '22012': no('late', true), // our own `1 / (clock_timestamp() < deadline)::int`
  '22021': no('unrepresentable'), // character_not_in_repertoire
  '22P02': no('unrepresentable'), // invalid_text_representation
  '22P05': no('unrepresentable'), // untranslatable_character
  '22030': no('unrepresentable'), // duplicate_json_object_key_value
  '23': no('rejected'),
  '25': no('rejected', true),
  '26': no('rejected', true),
  '28': no('denied'),
  '40': no('unavailable', true),
  '40003': unsure('connection-lost'), // statement_completion_unknown
  '42': no('rejected'),
  '42501': no('denied'),
  '3D': no('rejected'), // no such database
  '3F': no('rejected'),
  '53': no('unavailable', true), // too many connections, disk full, out of memory
  '54': no('too-large'),
  '55P03': no('late', true), // our lock_timeout
  '55': no('rejected', true),
  '57014': no('late', true), // our statement_timeout: cancelled, so rolled back
  '57P': unsure('connection-lost'),
  '57P03': no('unavailable', true), // starting up: said before any statement is read
  '58': unsure('connection-lost'),
  P0: no('rejected'), // raised by a trigger
  XX: unsure('protocol'),
}

const sqlstate = (error: unknown): string | null => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null
}

/** An error of a statement that was sent. No SQLSTATE: the connection broke, and nobody knows. */
export function failureOf(error: unknown): Failure {
  const code = sqlstate(error)
  if (code === null) return unsure('connection-lost')
  return MEANINGS[code] ?? MEANINGS[code.slice(0, 3)] ?? MEANINGS[code.slice(0, 2)] ?? unsure('protocol')
}

/** An error before anything was sent: whatever it was, nothing was applied. */
export function connectFailure(error: unknown): Failure {
  const meaning = failureOf(error)
  return meaning.certain ? meaning : no('unavailable', true)
}

/** A cached plan or statement that the server no longer takes: the connection is not used again. */
export const spoilsConnection = (error: unknown): boolean => {
  const code = sqlstate(error)
  return code === null || /^(0A000|26000|57P..|08...|XX...)$/.test(code)
}
