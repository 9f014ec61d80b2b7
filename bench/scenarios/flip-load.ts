import { randomUUID } from 'node:crypto'
import { makeSend } from '../../bin/cli/http.ts'
import { makeSecretsClient, type SecretsClient } from '../../bin/cli/secrets-client.ts'
import { isFault } from '../../core/fault.ts'
import type { Phase } from '../../flags/phase.ts'
import { type HistoryRecord, judge } from '../../test/chaos/history.ts'
import type { System } from '../scenario.ts'

/*
 * Clients of all replicas at once, who remember what they did and saw: in which phase each answer was served, for how long
 * the flip takes, and every value, for the judge of chaos to say whether one was lost or stale.
 */
export const INTEGRATION = 'github'
const CUSTOMER = 'flip'
const SECRETS = 200
/** Of ten operations. */
const WRITES = 3

export interface FlipLoad {
  /** When the last request was answered that was served in this phase; null: none since `since`. */
  lastIn(phase: Phase, since: number): number | null
  /** Resolves when every replica has served `n` requests in this phase, and none in another since. */
  settledIn(phase: Phase, n: number): Promise<void>
  /** Ends the load, reads every secret once more, and judges. */
  end(): Promise<{ readonly requests: number; readonly errors: number; readonly lost: number; readonly stale: number }>
}

interface Client {
  readonly secrets: SecretsClient
  /** Of this replica: the phase of its latest answers, and how many of them in a row. */
  phase: string | null
  inRow: number
}

export function startFlipLoad(replicas: readonly System[], connections: number, signal: AbortSignal): FlipLoad {
  const records: HistoryRecord[] = []
  const served = new Map<string, number>()
  let waiters: (() => void)[] = []
  let errors = 0
  let requests = 0
  let isOver = false
  const clients = replicas.map(({ url, headers }): Client => {
    const token = headers['authorization']?.replace('Bearer ', '') ?? ''
    return { secrets: makeSecretsClient(makeSend({ url, token })), phase: null, inRow: 0 }
  })
  const addressOf = (n: number) => ({ integration: INTEGRATION, customer: CUSTOMER, name: `flip/${n}` })

  const note = (client: Client, phase: string | null, at: number): void => {
    requests += 1
    if (phase === null) return
    served.set(phase, at)
    client.inRow = client.phase === phase ? client.inRow + 1 : 1
    client.phase = phase
    const now = waiters
    waiters = []
    for (const look of now) look()
  }
  const read = async (client: Client, n: number, final = false): Promise<void> => {
    const from = performance.now()
    const saw = (value: string | null): void => {
      const to = performance.now()
      records.push({ kind: 'read', id: randomUUID(), secret: String(n), from, to, value, note: '', final })
    }
    try {
      const found = await client.secrets.get(addressOf(n))
      saw(Buffer.from(found.value).toString())
      note(client, found.phase, performance.now())
    } catch (error) {
      if (!isFault(error) || error.code !== 'secret-not-found') errors += 1
      else saw(null)
    }
  }
  const write = async (client: Client, n: number): Promise<void> => {
    const from = performance.now()
    const value = randomUUID()
    let told: 'acknowledged' | 'unknown' = 'unknown'
    try {
      const put = { contentType: null, metadata: {} }
      const written = await client.secrets.put(addressOf(n), Buffer.from(value), put)
      told = 'acknowledged'
      note(client, written.phase, performance.now())
    } catch {
      errors += 1
    }
    const to = performance.now()
    records.push({ kind: 'write', id: value, secret: String(n), value, from, to, told, note: '' })
  }
  const caller = async (client: Client): Promise<void> => {
    while (!isOver && !signal.aborted) {
      const n = Math.floor(Math.random() * SECRETS)
      await (Math.random() * 10 < WRITES ? write(client, n) : read(client, n))
    }
  }
  const calling = Promise.all(clients.flatMap((client) => Array.from({ length: connections }, () => caller(client))))

  return {
    lastIn: (phase, since) => {
      const at = served.get(phase) ?? Number.NEGATIVE_INFINITY
      return at > since ? at : null
    },
    settledIn: async (phase, n) => {
      for (const client of clients) client.inRow = 0
      while (!clients.every((client) => client.phase === phase && client.inRow >= n)) {
        signal.throwIfAborted()
        await new Promise<void>((resolve) => waiters.push(resolve))
      }
    },
    end: async () => {
      isOver = true
      await calling
      const [first] = clients as [Client]
      for (let n = 0; n < SECRETS; n += 1) await read(first, n, true)
      const findings = judge(new Map(), records, { lease: 5000 })
      const lost = findings.filter(({ kind }) => kind === 'lost').length
      return { requests, errors, lost, stale: findings.length - lost }
    },
  }
}
