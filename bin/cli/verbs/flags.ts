import { type Command, Option } from 'commander'
import { PHASES, type Phase } from '../../../flags/phase.ts'
import { httpFault } from '../../../proxy/http/faults.ts'
import type { FlagChange } from '../../../proxy/ops/control.ts'
import { columns } from '../columns.ts'
import { cliFault } from '../faults.ts'
import { lintFile } from '../lint-file.ts'
import { percentage } from '../numbers.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Args, Runner, Session } from '../session.ts'
import { requireRun } from '../target.ts'
import { addFlagsAccept } from './flags-accept.ts'
import { addFlagsCode } from './flags-code.ts'

interface SetOptions {
  readonly cohort?: string
  readonly percent?: number
  readonly execute?: boolean
  readonly reason?: string
  readonly all?: boolean
}

export const addFlags = (program: Command, runner: Runner): void => {
  const flags = program.command('flags').description('Ask for phases.')
  const set = flags
    .command('set')
    .description(`Ask for a phase: ${PHASES.join(', ')}. A dry run until --execute.`)
    .usage('[options] (SELECTOR | --all) PHASE')
    .argument('<selector>', `${SELECTOR_HELP}; left out with --all`)
    .argument('[phase]', 'the phase to ask for')
    .option('--cohort <name>', 'only this cohort')
    .option('--percent <n>', 'only this share of the customers', percentage)
    .option(...ALL_OPTION)
    .option('--execute', 'do it; without it, only say what would change')
    .option('--reason <why>', 'kept in the audit record; needed with --execute')
  runner.bind<SetOptions>(set, setFlags)

  addFlagsAccept(flags, runner)

  const lint = flags
    .command('lint')
    .description('Find what would surprise the author of the flags.')
    .argument('[file]', 'in the client-features format of Unleash; without it, that of the embedded system')
    .addOption(new Option('--cohort <name...>', 'the cohorts that there are; others are then findings'))
  runner.bind<{ cohort?: string[] }>(lint, lintFlags)
  addFlagsCode(flags, runner)
}

/** With --all there is no selector, so the first word is the phase. */
const words = ({ selector, phase }: Args, all: boolean | undefined): { selector: string; phase: Phase } => {
  const [chosen, wanted] = all ? [undefined, selector] : [selector, phase]
  if (all && phase !== undefined) throw cliFault('usage', `${selector} and --all exclude each other`)
  const known = PHASES.find((name) => name === wanted)
  if (known === undefined) throw cliFault('usage', `${wanted ?? 'nothing'} is no phase; there are ${PHASES.join(', ')}`)
  return { selector: selectorOf(chosen, all, null), phase: known }
}

const setFlags = async (session: Session, args: Args, options: SetOptions): Promise<'ok'> => {
  const { io, ops, report } = session
  const { cohort, percent, execute = false, reason, all } = options
  const { selector, phase } = words(args, all)
  if (execute && reason === undefined) throw httpFault('reason-required', 'flags set --execute')
  const answer = await ops().call(
    'setFlags',
    {
      body: {
        selector,
        phase,
        execute,
        reason: reason ?? 'dry run',
        ...(cohort === undefined ? {} : { cohort }),
        ...(percent === undefined ? {} : { percent }),
      },
    },
    io.signal,
  )
  report.data(columns(['INTEGRATION', 'COHORT', 'FROM', 'TO', 'RUNS', 'WAITS FOR'], answer.changes.map(changeRow)))
  if (!answer.executed) report.note('nothing was changed: add --execute --reason "why" to do it')
  report.object(answer)
  return 'ok'
}

const changeRow = (change: FlagChange): readonly string[] => [
  change.integration,
  change.cohort ?? 'all',
  change.from ?? '-',
  change.to,
  change.effective,
  change.waits_for.join('; ') || 'nothing',
]

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
