import type { Command } from 'commander'
import type { CheckResult } from '../../config/check.ts'
import type { Paint } from '../paint.ts'
import type { Runner } from '../session.ts'

// The schema of the whole configuration takes a while to load, so only these verbs load it.
export const addConfig = (program: Command, runner: Runner): void => {
  const config = program.command('config').description('Look at a configuration file.')
  const check = config
    .command('check')
    .description('Say everything that is wrong with a configuration, with its place in the file.')
    .argument('<file>', 'the configuration')
    .option('--connect', 'also ask the stores, the ledger, the bus and the flag server')
  runner.bind<{ connect?: boolean }>(check, async ({ io, report }, { file = '' }, { connect = false }) => {
    const { configCheck } = await import('../../config/check.ts')
    const { ok, results } = await configCheck(file, { env: io.env, connect })
    for (const result of results) report.data(`${describe(result, report.paint)}\n`)
    report.object({ ok, results })
    return ok ? 'ok' : 'usage'
  })
  const print = config
    .command('print')
    .description('Print a configuration as it is used: variables put in, defaults filled in. It holds no secret.')
    .argument('<file>', 'the configuration')
  runner.bind(print, async ({ io, report }, { file = '' }) => {
    const { effectiveConfig, printConfig } = await import('../../config/print.ts')
    if (report.json) report.object({ config: effectiveConfig(file, io.env) })
    else report.data(printConfig(file, io.env))
    return 'ok'
  })
}

const STYLES = { ok: 'green', warning: 'yellow', problem: 'red' } as const

const describe = ({ level, subject, message }: CheckResult, paint: Paint): string =>
  `${paint(STYLES[level], level.padEnd(7))} ${subject}  ${message}`
