import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { parse, stringify } from 'yaml'
import { makeSend } from '../../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../../bin/cli/ops-client.ts'
import { makeSecretsClient, type SecretsClient } from '../../../bin/cli/secrets-client.ts'
import { readToken } from '../../../bin/cli/token.ts'
import { loadConfig } from '../../../bin/config/load.ts'
import type { ConfigInput } from '../../../bin/embedded/sample/config.ts'
import { type EmbeddedSystem, startEmbedded } from '../../../bin/embedded/system.ts'
import { type Application, startApplication } from '../../../bin/serve/application.ts'
import { systemClock } from '../../../core/clock.ts'
import { makeFlagFile } from '../../../flags/flag-file.ts'
import type { Phase } from '../../../flags/phase.ts'

/** A whole Crossfade in this process, so that faults can be planted behind its back. */
export interface CheckedSystem {
  readonly application: Application
  readonly secrets: SecretsClient
  readonly ops: OpsClient
  /** Of the new store's database. */
  readonly newStore: string
  /** Enrols and copies an integration. */
  migrate(integration: string): Promise<void>
  /** Asks for a phase, and waits until the flag is followed. */
  ask(integration: string, phase: Phase, cohort?: string): Promise<void>
  /** Looks again a few times a second until it is so. */
  until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void>
}

/** Where a gate stands, which nobody passes within the minute that a check takes. */
export const GATED = 'github'
const SOAK = { live: { soak: '30d' } }

const ANY_PORT = '127.0.0.1:0'
const SECRETS = 60

/** Everything that is made is undone, also when `use` fails. */
export async function withSystem<T>(signal: AbortSignal, use: (system: CheckedSystem) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-check-'))
  // As root, the user that PostgreSQL runs as must get in.
  chmodSync(folder, 0o711)
  let embedded: EmbeddedSystem | null = null
  let application: Application | null = null
  try {
    embedded = await startEmbedded({
      dataDir: join(folder, 'data'),
      listen: { clients: ANY_PORT, operators: ANY_PORT },
      sample: { secrets: SECRETS },
      log: () => undefined,
    })
    application = await startApplication({
      config: loadConfig(configFor(embedded.paths.config), {}),
      clock: systemClock,
      log: pino({ level: 'silent' }),
      name: 'checked',
      worker: true,
      version: '0.0.0',
      signal,
    })
    return await use(connect(embedded, application, signal))
  } finally {
    await application?.stop()
    await embedded?.postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** No gate but one, and figures every second. Returns where it is. */
function configFor(written: string): string {
  const config = parse(readFileSync(written, 'utf8')) as ConfigInput
  const integrations = config.integrations as Record<string, object>
  integrations[GATED] = { ...integrations[GATED], gates: SOAK }
  const path = `${written}.checked.yaml`
  const migrator = { settler: { sample: '1s' } }
  writeFileSync(path, stringify({ ...config, gates: {}, migrator }), { mode: 0o600 })
  return path
}

function connect({ paths, postgres }: EmbeddedSystem, application: Application, signal: AbortSignal): CheckedSystem {
  const to = (url: string, tokenFile: string) => makeSend({ url, token: readToken(tokenFile) })
  const ops = makeOpsClient(to(application.operators, paths.tokenFiles.operator))
  const until: CheckedSystem['until'] = async (what, isSo) => {
    while (!(await isSo())) {
      if (signal.aborted) throw new Error(`it never came: ${what}`)
      await systemClock.sleep(100)
    }
  }
  const { outlook } = application.engine.flags
  return {
    application,
    ops,
    until,
    secrets: makeSecretsClient(to(application.clients, paths.tokenFiles.client)),
    newStore: postgres.url('sealed'),
    migrate: async (integration) => {
      await ops.call('migrate', { body: { integration, execute: true, reason: 'dashboards:check' } })
      await until(`${integration} is copied`, async () => {
        const { run } = await ops.call('progress', { params: { integration } })
        return run?.outcome === 'done'
      })
    },
    ask: async (integration, phase, cohort) => {
      const edit = { integration, phase, ...(cohort === undefined ? {} : { cohort }) }
      await makeFlagFile(paths.flags).set([edit])
      const isMeant = (name: string): boolean => cohort === undefined || name === cohort
      await until(`${integration} is asked for ${phase}`, () =>
        outlook(integration).every((seen) => !isMeant(seen.cohort) || seen.requested === phase),
      )
    },
  }
}
