import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bao, startBao } from '../support/bao.ts'

/** OpenBao as a store of a pair reaches it: straight, or through a relay. */
export interface PairBao {
  readonly url: string
  readonly tokenFile: string
  readonly mounts: { readonly kv1: string; readonly kv2: string; readonly transit: string }
}

export interface RunningPairBao extends PairBao {
  /** Behind Crossfade's back. */
  readonly bao: Bao
  stop(): Promise<void>
}

/** A server with what every pair may need. */
export async function startPairBao(folder: string): Promise<RunningPairBao> {
  const { bao, stop } = await startBao()
  try {
    const tokenFile = join(folder, 'bao-token')
    writeFileSync(tokenFile, bao.rootToken, { mode: 0o600 })
    const kv1 = await bao.mount('kv', { version: '1' })
    const kv2 = await bao.mount('kv', { version: '2' })
    const transit = await bao.mount('transit')
    return { url: bao.url, tokenFile, mounts: { kv1, kv2, transit }, bao, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
