/**
 * The secrets engine of Vault and OpenBao, version 1 or 2, as a store: a template says where a secret lies
 * (path-template.ts), a codec how (codec.ts), and what differs between the versions is in kv1.ts and kv2.ts.
 */
import PQueue from 'p-queue'
import type { Clock } from '../../core/clock.ts'
import { answeredEach, itself } from '../answers.ts'
import { failedAs } from '../failure.ts'
import { inRounds } from '../rounds.ts'
import { type Address, addressKey } from '../secret.ts'
import type { Call, Condition, GetOutcome, PutOutcome, PutRequest, Store } from '../store.ts'
import type { VaultClient } from '../vault/client.ts'
import { vaultKvCapabilities } from './capabilities.ts'
import { check, mountIdentity } from './check.ts'
import { makeCodec } from './codec.ts'
import { endsWithToken, type VaultKvConfig } from './config.ts'
import type { Engine, Path } from './engine.ts'
import { makeExpiringTokens } from './expiring-tokens.ts'
import { makeFolders } from './folders.ts'
import { makeKv1 } from './kv1.ts'
import { makeKv2 } from './kv2.ts'
import { makePathTemplate } from './path-template.ts'
import { makeRequests } from './requests.ts'
import { type ScanParts, scan } from './scan.ts'
import { unaddressable } from './unaddressable.ts'

export interface VaultKvOptions {
  readonly name: string
  readonly config: VaultKvConfig
  readonly client: VaultClient
  readonly clock: Clock
  readonly integrations: readonly string[]
}

/** Requests at once for one batch or page: the engine has no batches of its own. */
const CONCURRENCY = 16

export function makeVaultKvStore({ name, config, client, clock, integrations }: VaultKvOptions): Store {
  const tokens = endsWithToken(config) ? makeExpiringTokens(client, clock) : null
  const requests = makeRequests({ client, mount: config.mount, tokens, clock })
  const codec = makeCodec(config)
  const engine: Engine = config.version === 1 ? makeKv1(requests, codec) : makeKv2(requests, codec, clock)
  const template = makePathTemplate(config.path)
  const queue = new PQueue({ concurrency: CONCURRENCY })
  const folders = makeFolders(requests, engine.listed, config.version === 2)
  /** The server wants to be left alone for longer than the call has: what is left of a batch or a page is not sent. */
  const isOver = (call: Call): boolean => client.pause() > 0 && clock.monotonic() + client.pause() >= call.deadline
  const parts: ScanParts = { template, folders, engine, queue, isOver }

  const get = async (address: Address, call: Call): Promise<GetOutcome> => {
    const path = template.place(address)
    return path === null ? NOWHERE : engine.get(path, call)
  }
  /** What can be refused without asking. */
  const write = async (
    address: Address,
    call: Call,
    send: (path: Path) => Promise<PutOutcome>,
  ): Promise<PutOutcome> => {
    const path = template.place(address)
    if (path === null) return { kind: 'refused', reason: 'unrepresentable' }
    return clock.monotonic() >= (call.landBy ?? call.deadline) ? { kind: 'refused', reason: 'late' } : send(path)
  }
  const put = ({ address, secret, condition }: PutRequest, call: Call): Promise<PutOutcome> =>
    write(address, call, async (path) => {
      const encoded = codec.encode(secret)
      if (encoded.kind === 'unheld') return { kind: 'refused', reason: encoded.reason }
      return engine.put(path, encoded.json, condition, call)
    })
  const remove = (address: Address, condition: Condition, call: Call): Promise<PutOutcome> =>
    write(address, call, (path) => engine.remove(path, condition, call))

  return {
    name,
    kind: 'vault-kv',
    capabilities: vaultKvCapabilities(config),
    get,
    getMany: (addresses, call) =>
      answeredEach(addresses, addressKey, (address) =>
        queue.add(() => (isOver(call) ? { kind: 'error', ...THROTTLED, passing: true } : get(address, call))),
      ),
    put: (address, secret, condition, call) => put({ address, secret, condition }, call),
    putMany: (puts, call) =>
      inRounds(puts, (round) =>
        answeredEach(round, itself, (one) =>
          queue.add(() => (isOver(call) ? { kind: 'refused', ...THROTTLED } : put(one, call))),
        ),
      ),
    remove,
    scan: (integration, page, call) => scan(parts, integration, page, call),
    unaddressable: (integration, call) => unaddressable(parts, integration, call),
    pause: client.pause,
    ping: async (call) => {
      const failed = await client.ping(call)
      return failed === null ? { kind: 'ok' } : failedAs(failed.failure)
    },
    identity: (call) => mountIdentity(client, config.mount, call),
    check: (call) => check({ config, client, template, engine, integrations }, call),
    close: () => client.close(),
  }
}

const THROTTLED = { reason: 'throttled' } as const
const NOWHERE: GetOutcome = { kind: 'error', reason: 'unrepresentable', passing: false }
