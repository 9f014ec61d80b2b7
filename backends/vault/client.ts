/**
 * The HTTP client of Vault and OpenBao: nodes with their connections (nodes.ts), the own token (identity.ts), and what an
 * answer means where all callers read it alike (status.ts). A request is sent again in two cases only, in both of which it
 * was certainly not looked at: a 403 that a new token may cure, and a node that was not there or passed it on.
 */
import type { Clock } from '../../core/clock.ts'
import { makeAlarm } from '../alarm.ts'
import { no } from '../failure.ts'
import type { SecretValue } from '../secret.ts'
import type { Call, StoreProblem } from '../store.ts'
import { checkToken } from './check-token.ts'
import type { Message, Reply } from './exchange.ts'
import { makeIdentity } from './identity.ts'
import type { AskAuth, Grant, Login } from './logins.ts'
import type { VaultMetrics } from './metrics.ts'
import type { Nodes } from './nodes.ts'
import { makeQuota } from './quota.ts'
import { targetOf, type VaultFailure, type VaultOutcome, type VaultRequest, vaultFailure } from './request.ts'
import { statusFailure } from './status.ts'

export interface VaultClient {
  /**
   * Sends one request, for at most as long as `call` says. Never rejects. `failed` and certain: nothing was or will be
   * applied; not certain: it was sent, and may be applied at any time. Bodies are bytes both ways.
   */
  request(request: VaultRequest, call: Call): Promise<VaultOutcome>
  /** A token is held, and a server that is not sealed answers; it needs no right of the token's policy. */
  ping(call: Call): Promise<VaultFailure | null>
  /** ms for which the server wants to be left alone: its rate limit was met. */
  pause(): number
  /** Logs in and looks the token up; what is wrong is said in words, for `config check`. After an error nothing else works. */
  check(call: Call): Promise<readonly StoreProblem[]>
  /** What the server says of the own token; null: no login. */
  grant(call: Call): Promise<Grant | null>
  close(): Promise<void>
}

export interface VaultClientOptions {
  readonly name: string
  readonly nodes: Nodes
  readonly namespace: string | null
  readonly login: Login
  /** Where the tokens must be of use. */
  readonly mount: string | null
  readonly clock: Clock
  readonly metrics: VaultMetrics
}

/** A login serves many requests, so it may take longer than any of them. */
const LOGIN_MS = 10_000

export function makeVaultClient(options: VaultClientOptions): VaultClient {
  const { name, nodes, namespace, clock, metrics } = options
  const alarm = makeAlarm(clock)
  const quota = makeQuota(clock)

  /** Runs `work` until the call is over. */
  const within = async <T>(call: Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const armed = alarm.arm(call.deadline, call.signal)
    try {
      return await work(armed.signal)
    } finally {
      armed.disarm()
    }
  }
  const send = async (request: VaultRequest, token: SecretValue | null, signal: AbortSignal): Promise<Reply> => {
    const target = targetOf(request)
    if (target === null) return vaultFailure(no('unrepresentable'), 'a path that cannot be sent unchanged')
    return nodes.ask(messageOf(request, target, token, namespace), signal)
  }
  const ask: AskAuth = (request, token) =>
    within({ deadline: clock.monotonic() + LOGIN_MS }, async (signal) => outcomeOf(await send(request, token, signal)))
  const identity = makeIdentity({ name, login: options.login, mount: options.mount, ask, clock, metrics })

  const perform = async (request: VaultRequest, deadline: number, signal: AbortSignal): Promise<VaultOutcome> => {
    const sendAs = (token: SecretValue): Promise<Reply> =>
      quota.within(deadline, () => send(request, token, signal), signal)
    if (request.token) return outcomeOf(await sendAs(request.token))
    const held = await identity.held(signal)
    if (held.kind === 'failed') return held
    const reply = await sendAs(held.token)
    if (!isRefusal(reply)) {
      if (reply.kind === 'answer') identity.served()
      return outcomeOf(reply)
    }
    const other = await identity.another(held, signal)
    return outcomeOf(other ? await sendAs(other.token) : reply)
  }

  return {
    request: async (request, call) => {
      if (call.deadline <= clock.monotonic()) return LATE
      return within(call, (signal) => perform(request, call.deadline, signal))
    },
    pause: quota.pause,
    ping: (call) =>
      within(call, async (signal) => {
        const held = await identity.held(signal)
        if (held.kind === 'failed') return held
        return sealedOf(outcomeOf(await send(SEAL_STATUS, null, signal)))
      }),
    check: (call) =>
      within(call, async (signal) => {
        const held = await identity.held(signal)
        if (held.kind === 'failed') return [{ level: 'error', message: wordsOf(held.detail), passing: true }]
        return checkToken(held, options.login, async (request) => outcomeOf(await send(request, held.token, signal)))
      }),
    grant: (call) =>
      within(call, async (signal) => {
        const held = await identity.held(signal)
        return held.kind === 'held' ? held.grant : null
      }),
    close: async () => {
      identity.close()
      alarm.close()
      await nodes.close()
    },
  }
}

const LATE = vaultFailure(no('late', true), 'the deadline had passed')

const isRefusal = (reply: Reply): boolean => reply.kind === 'answer' && reply.status === 403

function outcomeOf(reply: Reply): VaultOutcome {
  if (reply.kind === 'failed') return reply
  const failure = statusFailure(reply.status, reply.body)
  return failure ? vaultFailure(failure, String(reply.status)) : reply
}

function messageOf(
  { method, body, contentType }: VaultRequest,
  target: string,
  token: SecretValue | null,
  namespace: string | null,
): Message {
  const headers: Record<string, string> = { 'x-vault-request': 'true' }
  if (token !== null) headers['x-vault-token'] = Buffer.from(token.open()).toString('latin1')
  if (namespace !== null) headers['x-vault-namespace'] = namespace
  if (body !== undefined) headers['content-type'] = contentType ?? 'application/json'
  return { method, target, headers, body: body ?? null }
}

const SEAL_STATUS: VaultRequest = { method: 'GET', path: ['sys', 'seal-status'] }

function sealedOf(outcome: VaultOutcome): VaultFailure | null {
  if (outcome.kind === 'failed') return outcome
  const isSealed = outcome.status === 200 && /"sealed"\s*:\s*true/.test(outcome.body.toString('latin1'))
  return isSealed ? vaultFailure(no('unavailable', true), 'it is sealed') : null
}

const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  UND_ERR_CONNECT_TIMEOUT: 'no answer',
  ECONNRESET: 'the connection was cut; is it https where http is expected, or a client certificate that is missing?',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted: name it with ca_file',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of an authority that is not trusted: name it with ca_file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that is not trusted: name it with ca_file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that is not trusted: name it with ca_file',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: see server_name',
  '400: refused': 'the server does not take these credentials',
  403: 'the server does not take these credentials, or their policy lets them not look their token up',
  429: 'the server has too many requests',
  503: 'the server is sealed, or has no active node',
}

/** `detail` ends in a code or a status where there is one. */
function wordsOf(detail: string): string {
  const known = Object.keys(MEANINGS).find((code) => detail.endsWith(code))
  return known === undefined ? detail : `${detail}: ${MEANINGS[known]}`
}
