import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { makeSecretsClient, type SecretsClient } from '../../bin/cli/secrets-client.ts'
import { readToken } from '../../bin/cli/token.ts'
import { loadConfig } from '../../bin/config/load.ts'
import type { EmbeddedSystem } from '../../bin/embedded/system.ts'
import { startEmbedded } from '../../bin/embedded/system.ts'
import { type Application, startApplication } from '../../bin/serve/application.ts'
import { systemClock } from '../../core/clock.ts'

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
  stop(): Promise<void>
}

const ANY_PORT = '127.0.0.1:0'

export async function startPageSystem(secrets: number): Promise<PageSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-page-'))
  // As root, the user that PostgreSQL runs as must get in.
  chmodSync(folder, 0o711)
  const embedded = await startEmbedded({
    dataDir: folder,
    listen: { clients: ANY_PORT, operators: ANY_PORT },
    sample: { secrets },
    log: () => undefined,
  })
  const stopEmbedded = async (): Promise<void> => {
    await embedded.postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const application = await startApplication({
      config: loadConfig(embedded.paths.config, {}),
      clock: systemClock,
      log: pino({ level: 'silent' }),
      name: 'embedded',
      worker: true,
      version: '0.0.0',
      signal: new AbortController().signal,
    })
    const { tokenFiles } = embedded.paths
    const tokens = {
      client: readToken(tokenFiles.client),
      viewer: readToken(tokenFiles.viewer),
      operator: readToken(tokenFiles.operator),
    }
    const ops = makeOpsClient(makeSend({ url: application.operators, token: tokens.operator }))
    await moveSome(ops)
    return {
      embedded,
      application,
      ops,
      secrets: makeSecretsClient(makeSend({ url: application.clients, token: tokens.client })),
      tokens,
      stop: async () => {
        await application.stop()
        await stopEmbedded()
      },
    }
  } catch (error) {
    await stopEmbedded()
    throw error
  }
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
  for (;;) {
    const { run } = await ops.call('progress', { params: { integration } })
    if (run?.outcome === 'done') return
    if (run !== null && run.outcome !== 'running') throw new Error(`the run of ${integration} is ${run.outcome}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
