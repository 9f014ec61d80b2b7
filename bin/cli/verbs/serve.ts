import type { Command } from 'commander'
import { SAMPLE_DEFAULTS } from '../../embedded/sample/secrets.ts'
import { cliFault } from '../faults.ts'
import { wholeNumber } from '../numbers.ts'
import type { Runner } from '../session.ts'

interface Options {
  readonly embedded?: boolean
  readonly config?: string
  readonly traffic?: boolean
  readonly clients?: string
  readonly operators?: string
  readonly secrets?: string
  readonly worker?: boolean
  readonly workers?: number
}

/** Where an embedded system listens unless told otherwise. */
const DEFAULTS = { clients: '127.0.0.1:8700', operators: '127.0.0.1:8701' } as const

export const addServe = (program: Command, runner: Runner): void => {
  const command = program
    .command('serve')
    .description('Serve the API for secrets and the one for operators; Ctrl-C stops it cleanly.')
    .option('--config <file>', 'the configuration to serve')
    .option('--embedded', 'bring PostgreSQL, sample data and tokens along, on this machine only')
    .option('--traffic', 'with --embedded: a steady sample load')
    .option('--clients <address>', `with --embedded: host:port for clients (default ${DEFAULTS.clients})`)
    .option('--operators <address>', `with --embedded: host:port for operators (default ${DEFAULTS.operators})`)
    .option(
      '--secrets <number>',
      `with --embedded: sample secrets to make at the first start (default ${SAMPLE_DEFAULTS.secrets})`,
    )
    .option('--workers <n>', 'with --config: processes that share the port for clients; wants a bus', wholeNumber, 1)
    .option('--no-worker', 'leave debts and runs to other processes')
  runner.bind<Options>(command, async ({ io, report, options: { data } }, _args, options) => {
    const { config, embedded = false, traffic = false } = options
    if (embedded === (config !== undefined)) throw cliFault('usage', 'serve wants either --embedded or --config FILE')
    if (traffic && !embedded) throw cliFault('usage', '--traffic is for --embedded')
    const { clients = DEFAULTS.clients, operators = DEFAULTS.operators, worker = true, workers = 1 } = options
    const secrets = options.secrets === undefined ? SAMPLE_DEFAULTS.secrets : Number(options.secrets)
    if (!Number.isInteger(secrets) || secrets < 1) throw cliFault('usage', '--secrets wants a number of 1 or more')
    // Only here, so that no other verb waits for the whole system to load.
    const { serve } = await import('../../serve/serve.ts')
    const where = { embedded, config: config ?? null, data: data ?? null, clients, operators }
    return serve({ ...where, traffic, worker, workers, secrets, json: report.json }, io)
  })
}
