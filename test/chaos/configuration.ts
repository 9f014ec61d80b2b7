import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type ConfigInput, SAMPLE_ENVIRONMENT, sampleConfig } from '../../bin/embedded/sample/config.ts'
import type { Side } from '../../core/side.ts'
import { type PairName, withPair } from '../pairs/pair.ts'
import type { PairBao } from '../pairs/pair-bao.ts'
import { COHORTS, INTEGRATIONS } from './secrets.ts'

/** Short, so that a run meets the end of every lease and deadline many times; ms. */
export const LIMITS = {
  operationLease: 2000,
  replicaLease: 2500,
  storeDeadline: 400,
  breakerReset: 400,
} as const

/** Files that all replicas read. */
export interface SharedFiles {
  readonly password: string
  readonly storesPassword: string
  readonly fingerprintKey: string
  readonly rootKey: string
  readonly etagKey: string
  readonly tokens: string
}

export interface ReplicaPlace {
  /** Its own folder: configuration, flags, audit. */
  readonly folder: string
  readonly listen: { readonly clients: string; readonly operators: string }
  /** `postgres://user@127.0.0.1:port/database`: the two stores through this replica's relays. */
  readonly urls: { readonly ledger: string; readonly legacy: string; readonly new: string }
  readonly redis: number | null
  readonly pair: PairName
  /** As each side reaches it, if it does. */
  readonly bao: Readonly<Record<Side, PairBao | null>>
}

/** Writes the configuration of one replica; returns the paths of it and of its flags. */
export function writeConfiguration(place: ReplicaPlace, files: SharedFiles): { config: string; flags: string } {
  mkdirSync(place.folder, { recursive: true })
  chmodSync(place.folder, 0o711)
  const config = join(place.folder, 'crossfade.yaml')
  const flags = join(place.folder, 'flags.json')
  writeFileSync(config, stringify(configuration(place, files, flags)), { mode: 0o600 })
  return { config, flags }
}

function configuration(place: ReplicaPlace, files: SharedFiles, flags: string): ConfigInput {
  const embedded = sampleConfig({
    listen: place.listen,
    urls: place.urls,
    passwordFile: files.password,
    fingerprintKeyFile: files.fingerprintKey,
    rootKeyFile: files.rootKey,
    etagKeyFile: files.etagKey,
    flagsFile: flags,
    tokensFile: files.tokens,
    auditFile: join(place.folder, 'audit.jsonl'),
    integrations: INTEGRATIONS.map((name) => ({ name, owner: `team-${name}`, shape: 'bytes' as const, weight: 1 })),
  })
  const sample = withPair(embedded, place.pair, place.bao)
  return {
    ...sample,
    ledger: {
      ...sample.ledger,
      operation_lease: duration(LIMITS.operationLease),
      replica_lease: duration(LIMITS.replicaLease),
      statement_timeout: '1s',
      max_connections: 8,
    },
    ...(place.redis === null ? {} : { bus: { url: `redis://127.0.0.1:${place.redis}` } }),
    stores: Object.fromEntries(
      Object.entries(sample.stores).map(([name, section]) => [
        name,
        {
          ...section,
          ...('password_file' in section && { password_file: files.storesPassword }),
          deadline: duration(LIMITS.storeDeadline),
          breaker: { failures: 6, reset: duration(LIMITS.breakerReset) },
        },
      ]),
    ) as ConfigInput['stores'],
    cohorts: COHORTS.map((cohort) => ({ ...cohort })) as ConfigInput['cohorts'],
    flags: { source: 'file', path: flags, environment: SAMPLE_ENVIRONMENT, poll: '200ms', max_moves: '100%' },
    // Any phase may follow any other: it is the protocol that is tried, not the order of a rollout.
    gates: {},
    shadow: { grace: '200ms' },
    migrator: {
      // These clients never pause: a pace that adapts would stay at its least.
      pace: { adaptive: false },
      lease: '3s',
      deadline: '1s',
      grace: '300ms',
      patience: '20s',
      settler: { interval: '1s', sample: '1s' },
    },
  }
}

const duration = (ms: number): string => `${ms}ms`
