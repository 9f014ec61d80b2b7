/**
 * Version 2 of the secrets engine. A version survives deletes and every write compares it (`cas`), so a late write is
 * refused: also one without a condition, which reads the version first, and again if another write came between.
 *
 * `DELETE` compares nothing and makes no version. So a remove is two requests: a version of its own, the marker, put with
 * `cas`, and then the deletion of the marker and of what it replaced, by number. From the first of them on the secret is
 * removed: a marker that was not deleted is read as deleted.
 */

import type { Clock } from '../../core/clock.ts'
import { isMap, literalOf } from '../canonical-json.ts'
import { readError, unsure, writeFailure } from '../failure.ts'
import type { Call, Condition, GetOutcome, PutOutcome } from '../store.ts'
import type { VaultOutcome } from '../vault/request.ts'
import { isMismatch, part, readAnswer, refusalOf, saysNothingThere, textIn, versionIn } from './answers.ts'
import type { Codec } from './codec.ts'
import type { Engine, Look, Path, Requests } from './engine.ts'

type Fields = Readonly<Record<string, unknown>>
type Failed = Extract<VaultOutcome, { kind: 'failed' }>

/** What the server holds under a path. Version 0: no version was ever written. */
type Head =
  | { readonly kind: 'live'; readonly version: number; readonly data: unknown; readonly custom: Fields | null }
  | { readonly kind: 'none'; readonly version: number }
  | Failed

export function makeKv2(requests: Requests, codec: Codec, clock: Clock): Engine {
  const head = async (path: Path, call: Call): Promise<Head> => headOf(await requests.read(['data', ...path], {}, call))

  const putAt = async (path: Path, json: string, version: number, call: Call): Promise<PutOutcome> => {
    const body = `{"data":${json},"options":{"cas":${version}}}`
    return putOutcome(await requests.write('POST', ['data', ...path], body, call))
  }
  const removeAt = async (path: Path, version: number, call: Call): Promise<PutOutcome> => {
    const marked = await putAt(path, codec.marker, version, call)
    if (marked.kind !== 'done') return marked
    const versions = [version, version + 1].filter((v) => v > 0)
    const deleted = await requests.write('POST', ['delete', ...path], JSON.stringify({ versions }), call)
    // Read as deleted, but listed and in the way of other readers: a settle will remove it again.
    return deleted.kind === 'answer' && deleted.status < 300 ? marked : HALF_REMOVED
  }

  const at = async (
    path: Path,
    condition: Condition,
    call: Call,
    write: (version: number) => Promise<PutOutcome>,
  ): Promise<PutOutcome> => {
    if (condition.kind === 'at') {
      const version = versionOf(condition.fence)
      return version === null ? { kind: 'conflict' } : write(version)
    }
    for (;;) {
      const now = await head(path, call)
      // Nothing was sent that could be applied.
      if (now.kind === 'failed')
        return { kind: 'refused', reason: now.failure.certain ? now.failure.reason : 'unavailable' }
      const outcome = await write(now.version)
      if (outcome.kind !== 'conflict') return outcome
      if (clock.monotonic() >= call.deadline) return { kind: 'refused', reason: 'late' }
    }
  }

  const look: Engine['look'] = async (path, call) =>
    lookOf(await requests.read(['metadata', ...path], {}, call), clock.wall())

  return {
    listed: ['metadata'],
    get: async (path, call) => readOutcome(await head(path, call), codec),
    put: (path, json, condition, call) => at(path, condition, call, (version) => putAt(path, json, version, call)),
    remove: (path, condition, call) => at(path, condition, call, (version) => removeAt(path, version, call)),
    look,
    find: look,
  }
}

const HALF_REMOVED: PutOutcome = { kind: 'unknown', reason: 'protocol' }

/** Null: the server never gave it, so it is not the current one. */
const versionOf = (fence: string): number | null => (/^(0|[1-9]\d{0,14})$/.test(fence) ? Number(fence) : null)

const failed = (failure: Failed['failure']): Failed => ({ kind: 'failed', failure, detail: '' })

function headOf(outcome: VaultOutcome): Head {
  if (outcome.kind === 'failed') return outcome
  const { status, body } = outcome
  if (status !== 200 && status !== 404) return failed(refusalOf(status, body))
  const answer = readAnswer(body)
  if (answer === null) return failed(unsure('protocol'))
  const data = part(answer, 'data')
  const metadata = part(data, 'metadata')
  const version = versionIn(metadata)
  if (version !== null && status === 404) return { kind: 'none', version }
  if (version !== null) return { kind: 'live', version, data: data['data'], custom: customIn(metadata) }
  if (status === 404 && saysNothingThere(body)) return { kind: 'none', version: 0 }
  return failed(status === 404 ? refusalOf(status, body) : unsure('protocol'))
}

const customIn = (metadata: Fields): Fields | null =>
  isMap(metadata['custom_metadata']) ? metadata['custom_metadata'] : null

function readOutcome(head: Head, codec: Codec): GetOutcome {
  if (head.kind === 'failed') return readError(head.failure)
  const fence = String(head.version)
  if (head.kind === 'none') return { kind: 'absent', deleted: head.version > 0, fence }
  const decoded = codec.decode(head.data, head.custom as Readonly<Record<string, string>> | null)
  if (decoded.kind === 'removed') return { kind: 'absent', deleted: true, fence }
  if (decoded.kind === 'corrupt') return { kind: 'unreadable', reason: 'corrupt', version: fence }
  return { kind: 'found', secret: decoded.secret, version: fence, fence }
}

function putOutcome(outcome: VaultOutcome): PutOutcome {
  if (outcome.kind === 'failed') return writeFailure(outcome.failure)
  const { status, body } = outcome
  if (isMismatch(status, body)) return { kind: 'conflict' }
  if (status !== 200) return writeFailure(refusalOf(status, body))
  const version = versionIn(part(readAnswer(body) ?? {}, 'data'))
  if (version === null) return { kind: 'unknown', reason: 'protocol' }
  return { kind: 'done', version: String(version), fence: String(version) }
}

/** A version that is not deleted yet, but will be, is there: `delete_version_after` sets a time in the future. */
function lookOf(outcome: VaultOutcome, now: number): Look {
  if (outcome.kind === 'failed') return outcome
  const { status, body } = outcome
  if (status === 404 && saysNothingThere(body)) return { kind: 'nowhere' }
  const answer = status === 200 ? readAnswer(body) : null
  if (answer === null) return failed(status === 200 ? unsure('protocol') : refusalOf(status, body))
  const metadata = part(answer, 'data')
  const current = literalOf(metadata['current_version'])
  if (current === null || current === '0') return { kind: 'gone' }
  const version = part(part(metadata, 'versions'), current)
  const until = textIn(version, 'deletion_time')
  const isOver = version['destroyed'] === true || (until !== '' && Date.parse(until) <= now)
  return isOver ? { kind: 'gone' } : { kind: 'there', version: current }
}
