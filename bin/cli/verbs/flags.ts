import { type Command, Option } from 'commander'
import { cliFault } from '../faults.ts'
import { lintFile } from '../lint-file.ts'
import type { Args, Runner, Session } from '../session.ts'
import { requireRun } from '../target.ts'
import { addFlagsAccept } from './flags-accept.ts'
import { addFlagsCode } from './flags-code.ts'
import { addFlagsSet } from './flags-set.ts'

export const addFlags = (program: Command, runner: Runner): void => {
  const flags = program.command('flags').description('Ask for phases.')
  addFlagsSet(flags, runner)
  addFlagsAccept(flags, runner)

  const lint = flags
    .command('lint')
    .description('Find what would surprise the author of the flags.')
    .argument('[file]', 'in the client-features format of Unleash; without it, that of the embedded system')
    .addOption(new Option('--cohort <name...>', 'the cohorts that there are; others are then findings'))
  runner.bind<{ cohort?: string[] }>(lint, lintFlags)
  addFlagsCode(flags, runner)
}

const lintFlags = async (session: Session, { file }: Args, { cohort }: { cohort?: string[] }): Promise<'ok'> => {
  const { report } = session
  const own = file === undefined ? await ownFlags(session) : null
  const path = file ?? own?.path ?? ''
  const findings = await lintFile(path, cohort ?? own?.cohorts ?? null)
  for (const { flag, severity, strategy, code, detail } of findings) {
    const place = strategy === null ? '' : ` strategy ${strategy + 1}`
    report.data(
      `${report.paint(severity === 'error' ? 'red' : 'yellow', severity)} ${flag}${place}: ${code}: ${detail}\n`,
    )
  }
  const errors = findings.filter(({ severity }) => severity === 'error').length
  report.note(`${findings.length} findings, ${errors} of them errors`)
  if (errors > 0) {
    for (const finding of findings) report.note(`${finding.flag}: ${finding.code}`)
    throw cliFault('flags-lint-failed', `${errors} errors in ${path}`)
  }
  report.object({ ok: true, findings })
  return 'ok'
}

/** The flags of the embedded system, and the cohorts of its configuration. */
const ownFlags = async ({ io, options }: Session): Promise<{ path: string; cohorts: readonly string[] }> => {
  const run = requireRun(options, io)
  if (run.flags === null) throw cliFault('usage', 'the flags of this system are on a server: name a FILE')
  const { loadConfig } = await import('../../config/load.ts')
  return { path: run.flags, cohorts: loadConfig(run.config, io.env).cohorts.map(({ name }) => name) }
}
