import type { Command } from 'commander'
import type { CheckResult } from '../../config/check.ts'
import { type ExecuteOptions, intentOf, REASON_OPTION } from '../execute.ts'
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
  const accept = config
    .command('accept')
    .description(
      'Say that a store was moved as it is, or the ETag key exchanged on purpose: what a start refuses. A dry run until --execute.',
    )
    .argument('<file>', 'the configuration; no process may be serving then')
    .option('--execute', 'do it')
    .option(...REASON_OPTION)
  runner.bind<ExecuteOptions>(accept, async ({ io, report }, { file = '' }, options) => {
    const { acceptConfig } = await import('../../config/accept.ts')
    const { loadConfig } = await import('../../config/load.ts')
    const { execute, reason = null } = intentOf('config accept', options)
    const answer = await acceptConfig(loadConfig(file, io.env), { execute, reason, actor: 'command line' })
    for (const words of answer.accepted) report.data(`${words}\n`)
    if (answer.accepted.length === 0) report.note('it is as the ledger knows it')
    else report.note(answer.executed ? 'accepted' : 'nothing was done: add --execute --reason "why" to do it')
    report.object(answer)
    return 'ok'
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
