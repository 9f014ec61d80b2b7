import { type Failure, no, unsure } from '../failure.ts'

const ofOne = (failure: Failure): Failure => ({ ...failure, ofOne: 'refused' })
const damaged = (failure: Failure): Failure => ({ ...failure, ofOne: 'damaged' })
const stale = (failure: Failure): Failure => ({ ...failure, stale: true })

/**
 * SQLSTATE, or its class of two characters. An ERROR that the server reports has ended its transaction, so it is
 * certain; those that end the connection (57P, 08) may have met a commit under way, so they are not.
 * The message of the driver never leaves this room: it may quote a value.
 */
const MEANINGS: Readonly<Record<string, Failure>> = {
  '08': unsure('connection-lost'),
  '08P01': unsure('protocol'),
  '0A': stale(no('rejected')), // a cached plan whose result would have another type
  '09': ofOne(no('rejected')), // raised by a trigger
  '21': ofOne(no('rejected')),
  '22': ofOne(no('rejected')),
  '22001': ofOne(no('too-large')), // string_data_right_truncation
  '22012': no('late', true), // our own `1 / (clock_timestamp() < deadline)::int`
  '22021': damaged(no('unrepresentable')), // character_not_in_repertoire
  '22P02': ofOne(no('unrepresentable')), // invalid_text_representation
  '22P05': damaged(no('unrepresentable')), // untranslatable_character
  '22030': ofOne(no('unrepresentable')), // duplicate_json_object_key_value
  '23': ofOne(no('rejected')),
  '25': no('rejected', true),
  '25006': no('unavailable', true), // read only: a standby, or the old primary after a failover
  '26': no('rejected', true),
  '27': ofOne(no('rejected')), // triggered_data_change_violation
  '28': no('denied'),
  '40': no('unavailable', true),
  '40003': unsure('connection-lost'), // statement_completion_unknown
  '42': stale(no('rejected')),
  '42501': ofOne(no('denied')), // also a row that a row policy does not let through
  '44': ofOne(no('rejected')), // the check option of a view
  '3D': no('rejected'), // no such database
  '3F': stale(no('rejected')),
  '53': no('unavailable', true), // too many connections, disk full, out of memory
  '54': ofOne(no('too-large')),
  '55P03': no('late', true), // our lock_timeout
  '55': no('rejected', true),
  '57014': no('late', true), // our statement_timeout: cancelled, so rolled back
  '57P': unsure('connection-lost'),
  '57P03': no('unavailable', true), // starting up: said before any statement is read
  '58': unsure('connection-lost'),
  '38': ofOne(no('rejected')),
  '39': ofOne(no('rejected')),
  P0: ofOne(no('rejected')), // raised by a trigger
  XX: ofOne(unsure('protocol')),
  XX001: damaged(unsure('protocol')), // data_corrupted
  XX002: damaged(unsure('protocol')), // index_corrupted
}

const sqlstate = (error: unknown): string | null => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null
}

/** An error of a statement that was sent. No SQLSTATE: the connection broke, and nobody knows. */
/** What the table says to one secret for good, until somebody changes the one or the other. */
const WORDS: Readonly<Record<string, string>> = {
  '23502': 'a column that may not be null would be',
  '23503': 'a foreign key of the table refuses it',
  '23505': 'another unique index of the table refuses it',
  '23514': 'a check constraint of the table refuses it',
  '23P01': 'an exclusion constraint of the table refuses it',
  P0001: 'a trigger of the table refuses it',
}

export function failureOf(error: unknown): Failure {
  const code = sqlstate(error)
  if (code === null) return unsure('connection-lost')
  const words = WORDS[code]
  const meaning = meaningOf(code)
  return words === undefined ? meaning : { ...meaning, detail: `${words} (${code})` }
}

const meaningOf = (code: string): Failure =>
  MEANINGS[code] ?? MEANINGS[code.slice(0, 3)] ?? MEANINGS[code.slice(0, 2)] ?? unsure('protocol')

/** An error before anything was sent: whatever it was, nothing was applied. */
export function connectFailure(error: unknown): Failure {
  const meaning = failureOf(error)
  return meaning.certain ? meaning : no('unavailable', true)
}

/**
 * A cached plan or statement that the server no longer takes, a server that takes no writes (any more): the connection is not
 * used again, so that the next one finds the server that does. A damaged row (XX001) is no fault of the connection.
 */
export const spoilsConnection = (error: unknown): boolean => {
  const code = sqlstate(error)
  return code === null || /^(0A000|25006|25P0.|26000|57P..|08...)$/.test(code)
}
