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
import { type Around, startAround } from './around.ts'
import { type Machine, startMachine } from './machine.ts'

/** A whole Crossfade in this process, so that faults can be planted behind its back, and a machine of two workers beside it. */
export interface CheckedSystem {
  readonly application: Application
  readonly secrets: SecretsClient
  readonly machine: Machine
  /** Of the machine. */
  readonly machineSecrets: SecretsClient
  readonly ops: OpsClient
  /** Of the new store's database. */
  readonly newStore: string
  readonly flagsFile: string
  /** Of the application. */
  readonly capsFile: string
  /** Enrols and copies an integration. */
  migrate(integration: string): Promise<void>
  /** Asks for a phase, and waits until the flag is followed. */
  ask(integration: string, phase: Phase, cohort?: string): Promise<void>
  /** Looks again a few times a second until it is so. */
  until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void>
}

/** Where a gate stands, which nobody passes within the minute that a check takes. */
export const GATED = 'github'
/** Whose new store is OpenBao. */
export const IN_BAO = 'datadog'
const SOAK = { live: { soak: '30d' } }

const ANY_PORT = '127.0.0.1:0'
const SECRETS = 60

/** Everything that is made is undone, also when `use` fails. */
export async function withSystem<T>(
  redisProgram: string,
  signal: AbortSignal,
  use: (system: CheckedSystem) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-check-'))
  // As root, the user that PostgreSQL runs as must get in.
  chmodSync(folder, 0o711)
  let embedded: EmbeddedSystem | null = null
  let application: Application | null = null
  let around: Around | null = null
  let machine: Machine | null = null
  try {
    around = await startAround(folder, redisProgram)
    embedded = await startEmbedded({
      dataDir: join(folder, 'data'),
      listen: { clients: ANY_PORT, operators: ANY_PORT },
      sample: { secrets: SECRETS },
      log: () => undefined,
    })
    application = await startApplication({
      config: loadConfig(configFor(embedded.paths.config, around, 'checked'), {}),
      clock: systemClock,
      log: pino({ level: 'silent' }),
      name: 'checked',
      worker: true,
      version: '0.0.0',
      signal,
    })
    machine = await startMachine(configFor(embedded.paths.config, around, 'machine'))
    return await use(connect(embedded, application, machine, signal))
  } finally {
    await machine?.stop()
    await application?.stop()
    await around?.stop()
    await embedded?.postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const capsFileOf = (written: string, name: string): string => `${written}.${name}.caps`

/** No gate but one, figures every second, and files of its own. Returns where it is. */
function configFor(written: string, { bus, store }: Around, name: string): string {
  const config = parse(readFileSync(written, 'utf8')) as ConfigInput
  const integrations = config.integrations as Record<string, object>
  integrations[GATED] = { ...integrations[GATED], gates: SOAK }
  integrations[IN_BAO] = { ...integrations[IN_BAO], new: 'bao' }
  const path = `${written}.${name}.yaml`
  const own = {
    bus,
    stores: { ...config.stores, bao: store },
    ledger: { ...config.ledger, caps_file: capsFileOf(written, name) },
    audit: { ...config.audit, sinks: [{ kind: 'file', path: `${written}.${name}.audit` }] },
    gates: {},
    migrator: { settler: { sample: '1s' } },
  }
  writeFileSync(path, stringify({ ...config, ...own }), { mode: 0o600 })
  return path
}

function connect(
  { paths, postgres }: EmbeddedSystem,
  application: Application,
  machine: Machine,
  signal: AbortSignal,
): CheckedSystem {
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
    machine,
    machineSecrets: makeSecretsClient(to(machine.clients, paths.tokenFiles.client)),
    newStore: postgres.url('sealed'),
    flagsFile: paths.flags,
    capsFile: capsFileOf(paths.config, 'checked'),
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
