import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { assertCaller, assertMay } from '../../access/tokens.ts'
import { isFault } from '../../core/fault.ts'
import { type AdmissionDeps, authorise, identify } from '../http/admission.ts'
import { httpFault } from '../http/faults.ts'
import { OPS_PREFIX } from './api.ts'
import type { Live } from './live.ts'

/*
 * The live picture as newline-delimited JSON, for as long as the caller reads. A plain response and not server-sent events,
 * because those cannot be asked for with an Authorization header.
 */
export const STREAM_PATH = `${OPS_PREFIX}/stream`

/** Nothing that one integration is about: a token that is bound to some may not watch all. */
const ALL = { permission: 'view', integration: null, customer: null } as const
/** Bytes that may wait for a listener that reads slowly; then it is ended, and may come again for the whole picture. */
const BACKLOG = 8_388_608

export function addStream(app: FastifyInstance, deps: AdmissionDeps & { readonly live: Live }): void {
  // Before the server waits for its connections.
  app.addHook('preClose', () => deps.live.stop())
  app.route({
    method: 'GET',
    url: STREAM_PATH,
    onRequest: async (request) => {
      authorise(deps, identify(deps, request), ALL)
    },
    handler: async (request, reply) => {
      const out = new Readable({ read: () => undefined })
      const leave = deps.live.join({
        tell: (lines) => {
          if (out.readableLength > BACKLOG || !mayStill(deps, request)) out.push(null)
          else if (!out.readableEnded) out.push(lines)
        },
        end: () => void out.push(null),
      })
      if (leave === null) throw httpFault('too-many-watchers', 'this process tells no more of them')
      out.once('close', leave)
      return reply
        .headers({
          'content-type': 'application/x-ndjson; charset=utf-8',
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          connection: 'close',
        })
        .send(out)
    },
  })
}

/** A token that was taken away since stops watching. */
function mayStill({ tokens }: AdmissionDeps, request: FastifyRequest): boolean {
  try {
    assertMay(assertCaller(tokens, request.headers.authorization), ALL.permission, ALL)
    return true
  } catch (error) {
    if (isFault(error)) return false
    throw error
  }
}
