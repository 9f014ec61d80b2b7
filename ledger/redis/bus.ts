import type { Redis } from 'ioredis'
import type { Clock } from '../../core/clock.ts'
import type { Bus, BusMessage } from '../bus.ts'
import { type ConnectionOptions, makeConnection } from './connection.ts'
import { decodeMessage, encodeMessage } from './messages.ts'

/*
 * Redis pub/sub delivers at most once and does not say what it did not deliver. So hearing is proven, not assumed: this
 * replica sends itself a numbered beat, and hears only while its beats come back. A connection that closes ends hearing
 * at once; one that is open at this end only (no packet comes, nobody said so) is found by a beat that stays out, and is
 * torn down. Hearing begins again with the first beat that was sent after the channel was subscribed anew, and whoever
 * is told so must take for granted that messages were missed.
 */
export interface RedisBusOptions {
  /** Of this replica; names its own channel of beats. */
  readonly id: string
  readonly url: string
  readonly password: ConnectionOptions['password']
  /** ms between beats; two that stay out end hearing. */
  readonly heartbeat: number
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent?: (event: BusEvent) => void
}

/** For metrics and logs; one closed set. `code` is the driver's, never its text. */
export type BusEvent =
  | { readonly kind: 'sent' | 'received' }
  | { readonly kind: 'dropped'; readonly why: 'malformed' | 'offline' | 'failed' }
  | { readonly kind: 'hearing'; readonly hears: boolean }
  | { readonly kind: 'error'; readonly code: string }

export interface RedisBus extends Bus {
  /**
   * Starts to connect to a channel, one a ledger. Resolves when messages are heard, or after `patience` ms without: it
   * goes on trying. Only the first call counts.
   */
  open(channel: string, patience: number): Promise<void>
}

/** Beats that may be out before the connections count as dead: a busy process is late by one. */
const BEATS_OUT = 2

export function makeRedisBus(options: RedisBusOptions): RedisBus {
  const { id, clock, heartbeat } = options
  const connect = (name: string): Redis =>
    makeConnection({ ...options, name: `crossfade-${name}`, timeout: Math.max(1000, heartbeat * BEATS_OUT) })
  const publisher = connect('publisher')
  const subscriber = connect('subscriber')
  const messageHandlers: ((message: BusMessage) => void)[] = []
  const hearingHandlers: ((hears: boolean) => void)[] = []
  const closing = new AbortController()
  const event = (happened: BusEvent): void => options.onEvent?.(happened)
  let channel = ''
  let own = ''
  let hearing = false
  let subscribed = false
  let sent = 0
  let heard = 0
  /** Beats up to here prove nothing: they were sent before the subscription. */
  let unproven = 0

  const setHearing = (hears: boolean): void => {
    if (hearing === hears) return
    hearing = hears
    event({ kind: 'hearing', hears })
    for (const handler of hearingHandlers) handler(hears)
  }

  const lost = (): void => {
    subscribed = false
    setHearing(false)
  }

  const send = (to: string, text: string): void => {
    if (publisher.status !== 'ready') event({ kind: 'dropped', why: 'offline' })
    else {
      publisher.publish(to, text).then(
        () => event({ kind: 'sent' }),
        () => event({ kind: 'dropped', why: 'failed' }),
      )
    }
  }

  const beat = (): void => {
    if (!subscribed || publisher.status !== 'ready') return
    sent += 1
    send(own, String(sent))
  }

  const subscribe = async (): Promise<void> => {
    try {
      await subscriber.subscribe(channel, own)
      subscribed = true
      unproven = sent
      heard = sent
      beat()
    } catch {
      subscriber.disconnect(true)
    }
  }

  const onBeat = (text: string): void => {
    heard = Math.max(heard, Number(text) || 0)
    if (subscribed && heard > unproven) setHearing(true)
  }

  const onText = (text: string): void => {
    const message = decodeMessage(text)
    event(message === null ? { kind: 'dropped', why: 'malformed' } : { kind: 'received' })
    if (message !== null) for (const handler of messageHandlers) handler(message)
  }

  const beatForEver = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await clock.sleep(heartbeat, closing.signal).catch(() => undefined)
      if (closing.signal.aborted) return
      if (subscribed && sent - heard >= BEATS_OUT) tearDown()
      beat()
    }
  }

  const tearDown = (): void => {
    lost()
    for (const connection of [subscriber, publisher]) if (connection.status === 'ready') connection.disconnect(true)
  }

  for (const connection of [publisher, subscriber]) {
    connection.on('error', (error: Error) => event({ kind: 'error', code: codeOf(error) }))
    connection.on('close', lost)
  }
  subscriber.on('ready', () => void subscribe())
  // Beats need both; the subscription stood before, but what was published meanwhile by this replica was lost.
  publisher.on('ready', () => {
    if (subscriber.status === 'ready') void subscribe()
  })
  subscriber.on('message', (from: string, text: string) => (from === own ? onBeat : onText)(text))

  return {
    open: async (name, patience) => {
      if (channel !== '') return
      channel = name
      own = `${name}:${id}`
      const stop = new AbortController()
      const heardOnce = new Promise<void>((resolve) => hearingHandlers.push((hears) => hears && resolve()))
      // A refused first attempt is tried again by the connection itself.
      for (const connection of [publisher, subscriber]) void connection.connect().catch(() => undefined)
      void beatForEver()
      const enough = clock.sleep(patience, AbortSignal.any([stop.signal, closing.signal])).catch(() => undefined)
      await Promise.race([heardOnce, enough])
      stop.abort()
    },
    publish: (message) => send(channel, encodeMessage(message)),
    onMessage: (handler) => void messageHandlers.push(handler),
    onHearing: (handler) => void hearingHandlers.push(handler),
    hears: () => hearing,
    close: async () => {
      closing.abort()
      lost()
      for (const connection of [publisher, subscriber]) connection.disconnect()
    },
  }
}

const codeOf = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown'
}
