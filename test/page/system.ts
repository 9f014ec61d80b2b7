import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { parse, stringify } from 'yaml'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { makeSecretsClient, type SecretsClient } from '../../bin/cli/secrets-client.ts'
import { readToken } from '../../bin/cli/token.ts'
import type { ListenAddress } from '../../bin/config/listen.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { type ConfigInput, SAMPLE_ENVIRONMENT } from '../../bin/embedded/sample/config.ts'
import { SAMPLE_INTEGRATIONS } from '../../bin/embedded/sample/integrations.ts'
import type { EmbeddedSystem } from '../../bin/embedded/system.ts'
import { startEmbedded } from '../../bin/embedded/system.ts'
import { type Application, startApplication } from '../../bin/serve/application.ts'
import { systemClock } from '../../core/clock.ts'
import { writeFlagFile } from '../../flags/flag-file.ts'
import { outcomeOf } from '../support/outcome-of.ts'

/*
 * What the page is tried on: the embedded system, served in this process, with some integrations on their way: github reads new
 * for everybody, slack compares for one cohort, okta is held by a gate, stripe was rolled back.
 */
export interface PageSystem {
  readonly embedded: EmbeddedSystem
  readonly application: Application
  readonly ops: OpsClient
  readonly secrets: SecretsClient
  readonly tokens: { readonly client: string; readonly viewer: string; readonly operator: string }
  /** After `application` was stopped: serves at the same operators' address. The caller stops it. */
  again(): Promise<Application>
  stop(): Promise<void>
}

const ANY_PORT = '127.0.0.1:0'

export interface PageSystemOptions {
  readonly secrets: number
  /** More integrations than the sample has, and a fourth cohort; they hold nothing, and none is on its way. */
  readonly integrations?: number
}

export async function startPageSystem({ secrets, integrations }: PageSystemOptions): Promise<PageSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-page-'))
  // As root, the user that PostgreSQL runs as must get in.
  chmodSync(folder, 0o711)
  const embedded = await startEmbedded({
    dataDir: folder,
    listen: { clients: ANY_PORT, operators: ANY_PORT },
    sample: { secrets },
    log: () => undefined,
  })
  let application: Application | null = null
  const stop = async (): Promise<void> => {
    await application?.stop()
    await embedded.postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    if (integrations !== undefined) await addIntegrations(embedded, integrations)
    const served = await serve(embedded)
    application = served
    const { tokenFiles } = embedded.paths
    const tokens = {
      client: readToken(tokenFiles.client),
      viewer: readToken(tokenFiles.viewer),
      operator: readToken(tokenFiles.operator),
    }
    const ops = makeOpsClient(makeSend({ url: served.operators, token: tokens.operator }))
    if (integrations === undefined) await moveSome(ops)
    return {
      embedded,
      application: served,
      ops,
      secrets: makeSecretsClient(makeSend({ url: served.clients, token: tokens.client })),
      tokens,
      again: () => serve(embedded, hostAndPort(served.operators)),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const hostAndPort = (url: string): ListenAddress => ({ host: new URL(url).hostname, port: Number(new URL(url).port) })

const serve = (embedded: EmbeddedSystem, operators?: ListenAddress): Promise<Application> =>
  startApplication({
    config: loadConfig(embedded.paths.config, {}),
    clock: systemClock,
    log: pino({ level: 'silent' }),
    name: 'embedded',
    worker: true,
    version: '0.0.0',
    signal: new AbortController().signal,
    ...(operators === undefined ? {} : { operators }),
  })

export const manyName = (at: number): string => `integration-${at}`

/** Each team has seven of them. */
async function addIntegrations({ paths }: EmbeddedSystem, all: number): Promise<void> {
  const config = parse(readFileSync(paths.config, 'utf8')) as ConfigInput
  const more = Array.from({ length: all - SAMPLE_INTEGRATIONS.length }, (_, at) => [
    manyName(at),
    { owner: `team-${Math.floor(at / 7)}` },
  ])
  const integrations = { ...config.integrations, ...Object.fromEntries(more) }
  const cohorts = [{ name: 'asia', pattern: 'ap-*' }, ...(config.cohorts ?? [])]
  writeFileSync(paths.config, stringify({ ...config, integrations, cohorts }), { mode: 0o600 })
  const names = Object.keys(integrations).filter((name) => name !== 'defaults')
  rmSync(paths.flags)
  await writeFlagFile(paths.flags, { integrations: names, environment: SAMPLE_ENVIRONMENT, phase: 'off' })
}

async function moveSome(ops: OpsClient): Promise<void> {
  for (const integration of ['github', 'slack', 'stripe']) await migrateWhole(ops, integration)
  const set = (selector: string, phase: 'live' | 'shadow', cohort?: string) =>
    ops.call('setFlags', {
      body: { selector, phase, reason: 'wave 1', execute: true, ...(cohort === undefined ? {} : { cohort }) },
    })
  await set('github', 'live')
  await set('slack', 'shadow', 'dogfood')
  await set('okta', 'live', 'dogfood')
  await set('stripe', 'live')
  await ops.call('rollback', { body: { selector: 'stripe', reason: 'clients saw errors' } })
}

export async function migrateWhole(ops: OpsClient, integration: string): Promise<void> {
  await ops.call('migrate', { body: { integration, execute: true, reason: 'wave 1' } })
  const outcome = await outcomeOf(ops, integration)
  if (outcome !== 'done') throw new Error(`the run of ${integration} is ${outcome}`)
}
