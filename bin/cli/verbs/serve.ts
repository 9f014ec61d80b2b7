import type { Command } from 'commander'
import { cliFault } from '../faults.ts'
import type { ServeProgram } from '../serve-program.ts'
import type { Runner } from '../session.ts'

interface Options {
  readonly embedded?: boolean
  readonly config?: string
  readonly traffic?: boolean
}

export const addServe = (program: Command, runner: Runner): void => {
  const command = program
    .command('serve')
    .description('Serve the API for secrets and the one for operators; Ctrl-C stops it cleanly.')
    .option('--config <file>', 'the configuration to serve')
    .option('--embedded', 'bring PostgreSQL, sample data and tokens along, on this machine only')
    .option('--traffic', 'with --embedded: a steady sample load')
  runner.bind<Options>(command, async ({ io, report, options: { data } }, _args, options) => {
    const { config, embedded = false, traffic = false } = options
    if (embedded === (config !== undefined)) throw cliFault('usage', 'serve wants either --embedded or --config FILE')
    if (traffic && !embedded) throw cliFault('usage', '--traffic is for --embedded')
    const serve = await loadServe()
    return serve({ embedded, config: config ?? null, data: data ?? null, traffic, json: report.json }, io)
  })
}

/** Only here, so that no other verb waits for the whole system to load. */
const loadServe = async (): Promise<ServeProgram> => {
  const extension = import.meta.url.slice(-2)
  const { serve } = (await import(`../../serve/serve.${extension}`)) as { serve: ServeProgram }
  return serve
}
