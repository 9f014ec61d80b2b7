import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

/*
 * A TCP relay on the way to a store. `hang` stops reading on both sides and takes new connections without an answer; what
 * was sent meanwhile is delivered when it passes again, as on a network that comes back, so requests arrive late.
 * `refuse` resets every connection. `late` delays what comes back, in order. `cut` resets each connection in the middle
 * of its next answer: the server has done what it was asked, and nobody is told.
 */
export type RelayMode =
  | { readonly kind: 'pass' | 'hang' | 'refuse' | 'cut' }
  /** ms */
  | { readonly kind: 'late'; readonly delay: number }

export interface Relay {
  readonly port: number
  set(mode: RelayMode): void
  close(): Promise<void>
}

/** One client's connection and the one that was made for it; null while `hang` holds it back. */
interface Link {
  readonly client: Socket
  server: Socket | null
}

export async function startRelay(upstream: number): Promise<Relay> {
  let mode: RelayMode = { kind: 'pass' }
  const links = new Set<Link>()

  const drop = (link: Link): void => {
    links.delete(link)
    link.client.resetAndDestroy()
    link.server?.resetAndDestroy()
  }
  const connect = (link: Link): void => {
    const server = createConnection({ port: upstream, host: '127.0.0.1', allowHalfOpen: true })
    link.server = server
    server.on('error', () => drop(link))
    server.on('close', () => drop(link))
    link.client.on('data', (chunk) => server.write(chunk))
    link.client.on('end', () => server.end())
    const answer = inOrder(link.client)
    server.on('data', (chunk) => {
      if (mode.kind === 'cut') link.client.write(chunk.subarray(0, chunk.length >> 1), () => drop(link))
      else answer(chunk, mode.kind === 'late' ? mode.delay : 0)
    })
    server.on('end', () => answer(null, mode.kind === 'late' ? mode.delay : 0))
    link.client.resume()
  }

  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => {
    const link: Link = { client, server: null }
    client.setNoDelay(true)
    client.on('error', () => drop(link))
    client.on('close', () => drop(link))
    links.add(link)
    if (mode.kind === 'refuse') drop(link)
    else if (mode.kind !== 'hang') connect(link)
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')

  const resume = (link: Link): void => {
    if (link.server === null) {
      connect(link)
      return
    }
    link.client.resume()
    link.server.resume()
  }
  return {
    port: (listener.address() as AddressInfo).port,
    set: (next) => {
      mode = next
      for (const link of [...links]) {
        if (mode.kind === 'refuse') drop(link)
        else if (mode.kind !== 'hang') resume(link)
        else for (const socket of [link.client, link.server]) socket?.pause()
      }
    },
    close: async () => {
      for (const link of [...links]) drop(link)
      const closed = once(listener, 'close')
      listener.close()
      await closed
    },
  }
}

/** Writes chunks after their delay, never one before an earlier one; null ends the stream. */
function inOrder(target: Socket): (chunk: Buffer | null, delay: number) => void {
  let last: Promise<void> | null = null
  const write = (chunk: Buffer | null): void => {
    if (target.destroyed) return
    if (chunk === null) target.end()
    else target.write(chunk)
  }
  return (chunk, delay) => {
    if (last === null && delay === 0) return write(chunk)
    const due = new Promise((resolve) => setTimeout(resolve, delay))
    const mine: Promise<void> = Promise.all([last, due]).then(() => {
      write(chunk)
      if (last === mine) last = null
    })
    last = mine
  }
}
