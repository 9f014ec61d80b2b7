import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { readSecretFile } from '../../backends/key-file.ts'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { dataPaths } from '../../bin/embedded/paths.ts'
import { flagName } from '../../flags/definition.ts'
import type { Phase } from '../../flags/phase.ts'
import { openUnleash, type UnleashServer } from '../../test/support/open-unleash.ts'
import { dataFolder } from '../crossfade.ts'
import type { Bench, System } from '../scenario.ts'
import { startReplica } from './debtwrite-replicas.ts'
import { INTEGRATION } from './flip-load.ts'

/** A real flag server on the run's PostgreSQL, with one flag. */
export interface UnleashSystem extends System {
  readonly server: UnleashServer
  readonly tokenFile: string
  /** Answers when the server has taken the change. */
  ask(phase: Phase): Promise<void>
}

const ENVIRONMENT = 'development'
/**
 * Of each replica. Unleash itself looks once a second whether anything changed, so a flag takes up to a second before
 * any client can hear of it.
 */
export const REFRESH_MS = 200

export const startFlagServer = async (bench: Bench, started: ReadonlyMap<string, System>): Promise<UnleashSystem> => {
  const { ledger } = loadConfig((started.get('enrolled') as System).url, process.env)
  const admin = new URL(ledger.url)
  if (ledger.password_file !== undefined) admin.password = readSecretFile(ledger.password_file)
  const client = new pg.Client({ connectionString: admin.href })
  await client.connect()
  await client.query('create database unleash')
  await client.end()
  const own = new URL(admin)
  own.pathname = '/unleash'
  const server = await openUnleash(own.href)
  const tokenFile = join(bench.folder, 'unleash-token')
  writeFileSync(tokenFile, server.clientToken(ENVIRONMENT), { mode: 0o600 })
  const flag = flagName(INTEGRATION)
  await server.admin.addFlag(flag)
  const strategy = await server.admin.addStrategy(flag, ladder('complete'), ENVIRONMENT)
  await server.admin.turn(flag, 'on', ENVIRONMENT)
  return {
    url: server.url,
    headers: {},
    server,
    tokenFile,
    ask: (phase) =>
      server.admin.patchStrategy(
        flag,
        strategy,
        [{ op: 'replace', path: '/variants', value: ladder(phase).variants }],
        ENVIRONMENT,
      ),
    stop: () => server.stop(),
  }
}

const ladder = (phase: Phase) => ({
  name: 'flexibleRollout',
  parameters: { groupId: flagName(INTEGRATION), rollout: '100', stickiness: 'customerId' },
  constraints: [],
  variants: [
    {
      name: phase,
      weight: 1000,
      weightType: 'variable' as const,
      stickiness: 'customerId',
      payload: { type: 'json', value: JSON.stringify({ phase }) },
    },
  ],
})

/** One of three replicas that follow the flag server, without gates: the bench moves to and fro. */
export const startFlagged = (name: string) => async (bench: Bench, started: ReadonlyMap<string, System>) => {
  const { url, tokenFile } = started.get('unleash') as UnleashSystem
  return startReplica(name, {
    flags: {
      source: 'unleash',
      url,
      token_file: tokenFile,
      environment: ENVIRONMENT,
      refresh: `${REFRESH_MS}ms`,
      max_moves: '100%',
    },
    gates: {},
  })(bench, started)
}

/** The operators' API of a replica. */
export const operatorOf = (bench: Bench, { operators }: { readonly operators: string }): OpsClient => {
  const token = readFileSync(dataPaths(dataFolder(bench)).tokenFiles.operator, 'utf8').trim()
  return makeOpsClient(makeSend({ url: operators, token }))
}
