import type { ConfigInput } from '../../bin/embedded/sample/config.ts'
import type { Side } from '../../core/side.ts'
import type { PairBao } from './pair-bao.ts'

/*
 * The pairs of stores that the story and chaos run on: `--pair LEGACY:NEW`. The embedded system's configuration is that of
 * the first; another one takes the place of its stores, under the same names.
 */
export const PAIR_NAMES = ['postgres:sealed', 'postgres:kv2', 'kv1:sealed-transit'] as const
export type PairName = (typeof PAIR_NAMES)[number]
export const DEFAULT_PAIR: PairName = 'postgres:sealed'

export const isPairName = (text: string): text is PairName => PAIR_NAMES.some((name) => name === text)

type StoreInput = ConfigInput['stores'][string]
type StoreName = 'postgres' | 'kv1' | 'sealed' | 'kv2' | 'sealed-transit'
export type ServerName = 'postgres' | 'bao'

interface PairedStore {
  /** What it asks. */
  readonly servers: readonly ServerName[]
  /** False: without a ledger, a conditional write is refused, since the store compares nothing. */
  readonly compares: boolean
  /** Its section, from the one that the embedded system has in its place. */
  readonly section: (embedded: StoreInput, bao: PairBao | null) => StoreInput
}

const there = (bao: PairBao | null): PairBao => {
  if (bao === null) throw new Error('this pair needs OpenBao')
  return bao
}
const client = ({ url, tokenFile }: PairBao) =>
  ({ address: url, auth: { kind: 'token', token_file: tokenFile } }) as const

const kv =
  (version: 1 | 2): PairedStore['section'] =>
  (embedded, bao) => {
    const { deadline } = embedded
    const mount = there(bao).mounts[`kv${version}`]
    return { kind: 'vault-kv', ...client(there(bao)), mount, version, ...(deadline !== undefined && { deadline }) }
  }

const STORES: Readonly<Record<StoreName, PairedStore>> = {
  postgres: { servers: ['postgres'], compares: true, section: (embedded) => embedded },
  kv1: { servers: ['bao'], compares: false, section: kv(1) },
  sealed: { servers: ['postgres'], compares: true, section: (embedded) => embedded },
  kv2: { servers: ['bao'], compares: true, section: kv(2) },
  'sealed-transit': {
    servers: ['postgres', 'bao'],
    compares: true,
    section: (embedded, bao) => {
      if (embedded.kind !== 'sealed') throw new Error('the embedded system seals in another way now')
      const { mounts } = there(bao)
      return { ...embedded, keyring: { kind: 'transit', ...client(there(bao)), mount: mounts.transit } }
    },
  },
}

const SIDES_OF: Readonly<Record<PairName, Readonly<Record<Side, StoreName>>>> = {
  'postgres:sealed': { legacy: 'postgres', new: 'sealed' },
  'postgres:kv2': { legacy: 'postgres', new: 'kv2' },
  'kv1:sealed-transit': { legacy: 'kv1', new: 'sealed-transit' },
}

export const legacyOf = (pair: PairName): StoreName => SIDES_OF[pair].legacy

/** Whether conditional writes are taken before the pair is enrolled. */
export const comparesAlone = (pair: PairName): boolean => STORES[legacyOf(pair)].compares

/** The servers that one side of a pair asks. */
export const serversOf = (pair: PairName, side: Side): readonly ServerName[] => STORES[SIDES_OF[pair][side]].servers

export const needsBao = (pair: PairName): boolean =>
  (['legacy', 'new'] as const).some((side) => serversOf(pair, side).includes('bao'))

/** The configuration of the embedded system, with the stores of this pair. `bao`: as each side reaches it. */
export function withPair(
  config: ConfigInput,
  pair: PairName,
  bao: Readonly<Record<Side, PairBao | null>>,
): ConfigInput {
  const sections = (['legacy', 'new'] as const).map((side) => {
    const name = config.integrations['defaults']?.[side] ?? ''
    const embedded = config.stores[name]
    if (embedded === undefined) throw new Error(`the configuration has no ${side} store by default`)
    return [name, STORES[SIDES_OF[pair][side]].section(embedded, bao[side])] as const
  })
  return { ...config, stores: { ...config.stores, ...Object.fromEntries(sections) } }
}
