import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { contextOf, pack } from '../../backends/sealed/envelope.ts'
import { SecretValue } from '../../backends/secret.ts'
import { type Bao, startBao } from '../../test/support/bao.ts'
import { findPart } from '../../test/support/parts.ts'
import { type Chain, shootAll } from '../load.ts'
import { median, rounded } from '../statistics.ts'
import type { Copied } from './backfill-copier.ts'

/*
 * Copying to OpenBao, beside what the same server takes of the same bodies from a load that does nothing else: to KV 2 one
 * write a secret; to transit one key and one `encrypt` a customer, which is all that the server sees of a secret that is
 * stored elsewhere. Each round writes below mounts of its own.
 */
const SECRETS = 4000
const ROUNDS = 3
const INTEGRATION = 'aws'
/** As `fillLegacy` makes them. */
const NAMES_PER_CUSTOMER = 20
const VALUE_BYTES = 64
/** As many as a store opens, unless its configuration says otherwise. */
const CONNECTIONS = 32

export interface BaoFigures {
  readonly secrets: number
  readonly server_per_s: number | null
  readonly crossfade_per_s: number | null
  readonly vs_server: number | null
}

export interface BaoOptions {
  /** Of the copy to the sealed store, of which only the store `new` is exchanged. */
  readonly config: string
  readonly signal: AbortSignal
  readonly copy: (config: string, secrets: number) => Promise<Copied>
  readonly note: (text: string) => void
}

type Target = 'kv2' | 'transit'

/** Null: this machine has no `bao`. */
export async function measureBao(options: BaoOptions): Promise<Readonly<Record<Target, BaoFigures>> | null> {
  if (findPart('bao') === null) return null
  const { bao, stop } = await startBao()
  try {
    return { kv2: await compare(options, bao, 'kv2'), transit: await compare(options, bao, 'transit') }
  } finally {
    await stop()
  }
}

async function compare(options: BaoOptions, bao: Bao, target: Target): Promise<BaoFigures> {
  const rounds: Record<'server' | 'crossfade', number>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const [ours, bare] = [await mountOf(bao, target), await mountOf(bao, target)]
    const { secrets, seconds } = await options.copy(configOf(options.config, bao, target, ours), SECRETS)
    const chains = target === 'kv2' ? await kv2Chains(bao, ours, bare) : transitChains(bare)
    const headers = { 'x-vault-token': bao.rootToken, 'content-type': 'application/json' }
    const start = performance.now()
    const failures = await shootAll({ url: bao.url, connections: CONNECTIONS, headers, chains, signal: options.signal })
    if (failures > 0) throw new Error(`${target}: the server refused ${failures} requests`)
    rounds.push({ server: (SECRETS * 1000) / (performance.now() - start), crossfade: secrets / seconds })
    options.note(`${target}: the server alone ${Math.round(rounds.at(-1)?.server ?? 0)}/s`)
  }
  const of = (figure: (round: (typeof rounds)[number]) => number) => rounded(median(rounds.map(figure)))
  return {
    secrets: SECRETS,
    server_per_s: of(({ server }) => server),
    crossfade_per_s: of(({ crossfade }) => crossfade),
    vs_server: of(({ server, crossfade }) => crossfade / server),
  }
}

const mountOf = (bao: Bao, target: Target): Promise<string> =>
  target === 'kv2' ? bao.mount('kv', { version: '2' }) : bao.mount('transit')

/** The same configuration, with another store as `new`. */
function configOf(path: string, bao: Bao, target: Target, mount: string): string {
  const config = parse(readFileSync(path, 'utf8'))
  const folder = dirname(path)
  const tokenFile = join(folder, 'bench-bao-token')
  writeFileSync(tokenFile, bao.rootToken, { mode: 0o600 })
  const server = { address: bao.url, mount, auth: { kind: 'token', token_file: tokenFile } }
  const name = config.integrations.defaults.new
  config.stores[name] =
    target === 'kv2'
      ? { kind: 'vault-kv', version: 2, deadline: '2s', ...server }
      : { ...config.stores[name], keyring: { kind: 'transit', ...server } }
  const written = join(folder, `bench-${target}.yaml`)
  writeFileSync(written, stringify(config))
  return written
}

const body = (of: object): Buffer => Buffer.from(JSON.stringify(of), 'utf8')
const customers = (): readonly string[] =>
  Array.from({ length: SECRETS / NAMES_PER_CUSTOMER }, (_, n) => `customer-${n}`)
const names = (): readonly string[] => Array.from({ length: NAMES_PER_CUSTOMER }, (_, n) => `key-${n}`)

/** What was just copied, read back, is what the server takes of one secret. */
async function kv2Chains(bao: Bao, copied: string, mount: string): Promise<readonly Chain[]> {
  const { data } = await bao.ask('GET', `${copied}/data/${INTEGRATION}/customer-1/key-1`)
  const sent = body({ data, options: { cas: 0 } })
  return customers().flatMap((customer) =>
    names().map(
      (name) => [{ method: 'PUT', path: `/v1/${mount}/data/${INTEGRATION}/${customer}/${name}`, body: sent }] as const,
    ),
  )
}

const transitChains = (mount: string): readonly Chain[] =>
  customers().map((customer) => [
    { method: 'PUT', path: `/v1/${mount}/keys/${customer}`, body: body({ type: 'aes256-gcm96', derived: true }) },
    {
      method: 'PUT',
      path: `/v1/${mount}/encrypt/${customer}`,
      body: body({ batch_input: names().map((name) => sealed(customer, name)) }),
    },
  ])

const sealed = (customer: string, name: string) => ({
  plaintext: pack({
    value: SecretValue.of(randomBytes(VALUE_BYTES)),
    contentType: 'text/plain',
    metadata: {},
  }).toString('base64'),
  context: contextOf({ integration: INTEGRATION, customer, name }, 1n).toString('base64'),
})
