import type { Command } from 'commander'
import { listenAddressSchema } from '../../config/listen.ts'
import { cliFault } from '../faults.ts'
import type { Runner } from '../session.ts'

interface Options {
  readonly config: string
  readonly operators?: string
  readonly name?: string
}

export const addWorker = (program: Command, runner: Runner): void => {
  const worker = program
    .command('worker')
    .description('Work on runs and settle debts, and serve nobody; Ctrl-C leaves what it has to others.')
    .requiredOption('--config <file>', 'the configuration, as of serve')
    .option(
      '--operators <address>',
      "host:port for health, metrics and the operators' API; without it there is no port",
    )
    .option('--name <name>', 'what workers list shows; without it the machine and the process')
  runner.bind<Options>(worker, async ({ io, report }, _args, { config, operators, name }) => {
    const address = operators === undefined ? null : listenAddressSchema.safeParse(operators)
    if (address?.success === false) throw cliFault('usage', '--operators wants host:port')
    // Only here, so that no other verb waits for the whole system to load.
    const { work } = await import('../../serve/work-program.ts')
    return work({ config, operators: address?.data ?? null, name: name ?? null, json: report.json }, io)
  })
}
