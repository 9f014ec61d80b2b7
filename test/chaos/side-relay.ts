import type { ServerName } from '../pairs/pair.ts'
import { type Relay, type RelayMode, startRelay } from './relay.ts'

/** The way from one replica to one side: a relay to each server that its store asks. They fail together. */
export interface SideRelay {
  /** 0 where the side does not ask that server. */
  readonly ports: Readonly<Record<ServerName, number>>
  set(mode: RelayMode): void
  close(): Promise<void>
}

/** `upstream`: where the servers are. */
export async function startSideRelay(
  servers: readonly ServerName[],
  upstream: Readonly<Record<ServerName, number>>,
): Promise<SideRelay> {
  const relays = new Map<ServerName, Relay>()
  for (const server of servers) relays.set(server, await startRelay(upstream[server]))
  return {
    ports: { postgres: relays.get('postgres')?.port ?? 0, bao: relays.get('bao')?.port ?? 0 },
    set: (mode) => {
      for (const relay of relays.values()) relay.set(mode)
    },
    close: async () => {
      await Promise.all([...relays.values()].map((relay) => relay.close()))
    },
  }
}
