/**
 * Version 1 of the secrets engine: one map a path, replaced as a whole. It has no versions and compares nothing, so what
 * keeps a late write away is the token that it carries (expiring-tokens.ts).
 */
import { readError, unsure, writeFailure } from '../failure.ts'
import type { Condition, GetOutcome, PutOutcome } from '../store.ts'
import type { VaultOutcome } from '../vault/request.ts'
import { readAnswer, refusalOf, saysNothingThere } from './answers.ts'
import type { Codec } from './codec.ts'
import type { Engine, Look, Requests } from './engine.ts'

const ABSENT: GetOutcome = { kind: 'absent', deleted: false, fence: null }
const THERE: Look = { kind: 'there', version: null }
const DONE: PutOutcome = { kind: 'done', version: null, fence: null }

export const makeKv1 = (requests: Requests, codec: Codec): Engine => ({
  listed: [],
  get: async (path, call) => readOutcome(await requests.read(path, {}, call), codec),
  put: async (path, json, condition, call) =>
    compares(condition) ? CONFLICT : writeOutcome(await requests.write('POST', path, json, call)),
  remove: async (path, condition, call) =>
    compares(condition) ? CONFLICT : writeOutcome(await requests.write('DELETE', path, null, call)),
  // What is listed is there: a removal leaves nothing.
  look: async () => THERE,
  find: async (path, call) => findOutcome(await requests.read(path, {}, call)),
})

/** No fence was ever given, so none can be the right one. */
const compares = (condition: Condition): boolean => condition.kind === 'at'
const CONFLICT: PutOutcome = { kind: 'conflict' }

function readOutcome(outcome: VaultOutcome, codec: Codec): GetOutcome {
  if (outcome.kind === 'failed') return readError(outcome.failure)
  const { status, body } = outcome
  if (status === 404 && saysNothingThere(body)) return ABSENT
  if (status !== 200) return readError(refusalOf(status, body))
  const answer = readAnswer(body)
  if (answer === null) return readError(unsure('protocol'))
  const decoded = codec.decode(answer['data'], null)
  if (decoded.kind === 'secret') return { kind: 'found', secret: decoded.secret, version: null, fence: null }
  return decoded.kind === 'removed' ? ABSENT : { kind: 'unreadable', reason: 'corrupt', version: null }
}

function findOutcome(outcome: VaultOutcome): Look {
  if (outcome.kind === 'failed') return outcome
  const { status, body } = outcome
  if (status === 404 && saysNothingThere(body)) return { kind: 'nowhere' }
  return status === 200 ? THERE : { kind: 'failed', failure: refusalOf(status, body) }
}

function writeOutcome(outcome: VaultOutcome): PutOutcome {
  if (outcome.kind === 'failed') return writeFailure(outcome.failure)
  const { status, body } = outcome
  return status === 204 || status === 200 ? DONE : writeFailure(refusalOf(status, body))
}
