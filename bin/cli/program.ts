import { Command, CommanderError } from 'commander'
import { EXITS } from './exit-codes.ts'
import { cliFault } from './faults.ts'
import { interruptible } from './interrupt.ts'
import { type Io, processIo } from './io.ts'
import { printable } from './printable.ts'
import { makeReport } from './report.ts'
import { makeRunner, type Runner } from './session.ts'
import { addConfig } from './verbs/config.ts'
import { addEvents } from './verbs/events.ts'
import { addFlags } from './verbs/flags.ts'
import { addGates } from './verbs/gates.ts'
import { addHistory } from './verbs/history.ts'
import { addIntegrations } from './verbs/integrations.ts'
import { addKeys } from './verbs/keys.ts'
import { addMigrate } from './verbs/migrate.ts'
import { addRecords } from './verbs/records.ts'
import { addReplicas } from './verbs/replicas.ts'
import { addCaps, addLift, addRollback } from './verbs/rollback.ts'
import { addWorkers } from './verbs/runs.ts'
import { addSecrets } from './verbs/secrets.ts'
import { addServe } from './verbs/serve.ts'
import { addStatus } from './verbs/status.ts'
import { addWorker } from './verbs/worker.ts'
import { version } from './version.ts'

const VERBS = [
  addServe,
  addWorker,
  addConfig,
  addStatus,
  addHistory,
  addSecrets,
  addFlags,
  addGates,
  addMigrate,
  addRollback,
  addLift,
  addCaps,
  addRecords,
  addEvents,
  addReplicas,
  addIntegrations,
  addWorkers,
  addKeys,
]

/** The command tree; docs/cli.md is made from it. */
export const makeProgram = (runner: Runner): Command => {
  const program = new Command('crossfade')
    .description('Moves secrets from a legacy store to a new one while every client keeps reading and writing.')
    .version(version(), '-V, --version', 'print the version')
    .option('--json', 'one JSON object as the last line of standard output')
    .option(
      '--url <url>',
      'the server: its port for clients with get, put, delete and list, else its port for operators',
    )
    .option('--token-file <file>', 'a file that holds the token; only you may read it')
    .option('--data <dir>', 'the folder of the embedded system (or CROSSFADE_DATA)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `\n${exitCodesHelp()}`)
    .exitOverride()
  for (const add of VERBS) add(program, runner)
  return everyCommand(program, (command) => command.allowExcessArguments(false).allowUnknownOption(false))
}

/** Runs one command line; resolves with the exit code, and never rejects. */
export const run = async (argv: readonly string[], io?: Io): Promise<number> => {
  if (io !== undefined) return runWith(argv, io)
  return interruptible((signal) => runWith(argv, processIo(signal)))
}

const runWith = async (argv: readonly string[], io: Io): Promise<number> => {
  const runner = makeRunner(io)
  const program = makeProgram(runner)
  let help = ''
  everyCommand(program, (command) =>
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // commander writes its errors here too; those are said by the report, in its own form.
      writeErr: (text) => {
        help = text
      },
      getOutHasColors: () => false,
    }),
  )
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return typeof runner.ended === 'number' ? runner.ended : EXITS[runner.ended].code
  } catch (error) {
    return endOfParsing(error, argv, io, help)
  }
}

const endOfParsing = (error: unknown, argv: readonly string[], io: Io, help: string): number => {
  const report = makeReport(io, argv.includes('--json'))
  if (!(error instanceof CommanderError)) {
    report.fault(cliFault('unexpected-failure', String(error), { cause: error }))
    return EXITS.error.code
  }
  if (error.exitCode === 0) return EXITS.ok.code
  if (error.code === 'commander.help') io.stderr.write(help)
  const detail = error.code === 'commander.help' ? 'name a command' : printable(error.message.replace(/^error: /, ''))
  report.fault(cliFault('usage', detail))
  return EXITS.usage.code
}

const everyCommand = (command: Command, change: (command: Command) => Command): Command => {
  for (const below of command.commands) everyCommand(below, change)
  return change(command)
}

const exitCodesHelp = (): string =>
  ['Exit codes:', ...Object.values(EXITS).map(({ code, when }) => `  ${String(code).padEnd(5)}${when}`)].join('\n')
