import type { Argument, Command, OptionValues } from 'commander'
import { type Fault, isFault } from '../../core/fault.ts'
import { reasonProblem } from '../../core/reason.ts'
import { type Exit, exitOfFault } from './exit-codes.ts'
import { cliFault } from './faults.ts'
import { makeSend } from './http.ts'
import type { Io } from './io.ts'
import { makeOpsClient, type OpsClient } from './ops-client.ts'
import { printableIn } from './printable.ts'
import { makeReport, type Report } from './report.ts'
import { makeSecretsClient, type SecretsClient } from './secrets-client.ts'
import { findEndpoint, type TargetOptions } from './target.ts'

export interface GlobalOptions extends TargetOptions {
  readonly json?: boolean
}

/** What a verb works with. The clients are made when asked for: not every verb needs a server. */
export interface Session {
  readonly io: Io
  readonly report: Report
  readonly options: GlobalOptions
  ops(): OpsClient
  secrets(): SecretsClient
}

export const makeSession = (io: Io, options: GlobalOptions): Session => ({
  io,
  report: makeReport(io, options.json === true),
  options,
  ops: () => shownBy(makeOpsClient(makeSend(findEndpoint('operators', options, io))), options.json === true),
  secrets: () => makeSecretsClient(makeSend(findEndpoint('clients', options, io))),
})

/** People read what the server says, programs get it as it is. */
const shownBy = (client: OpsClient, json: boolean): OpsClient =>
  json ? client : { call: async (name, input, signal) => printableIn(await client.call(name, input, signal)) }

/** Resolves with how it ended, or with an exit code. Expected refusals are thrown as faults. */
export type Verb<O> = (session: Session, args: Args, options: O) => Promise<Exit | number>

/** A command's arguments by the name that its usage shows; what was left out is undefined. */
export type Args = Readonly<Record<string, string | undefined>>

/** Binds commands to verbs and remembers how the one that ran ended. */
export interface Runner {
  ended: Exit | number
  bind<O>(command: Command, verb: Verb<O>): Command
}

export const makeRunner = (io: Io): Runner => {
  const runner: Runner = {
    ended: 'ok',
    bind: <O>(command: Command, verb: Verb<O>) =>
      command.action(async () => {
        const session = makeSession(io, command.optsWithGlobals())
        try {
          const options = givenTo(command)
          assertReason(options)
          runner.ended = await verb(session, namedArgs(command), options as O)
        } catch (error) {
          runner.ended = endWith(session, error)
        }
      }),
  }
  return runner
}

/**
 * The options of a verb below another. Those that both have commander gives to the upper one, wherever they stand: taken as its
 * own alone, `migrate pace --rate` would change no pace, without a word. What only the upper one has is a mistake.
 */
const givenTo = (command: Command): OptionValues => {
  const given = { ...command.opts() }
  for (let verb = command.parent; verb?.parent != null; verb = verb.parent) {
    for (const { long, name } of verb.options.map((option) => ({ long: option.long, name: option.attributeName() }))) {
      if (verb.getOptionValueSource(name) !== 'cli') continue
      if (!command.options.some((own) => own.long === long))
        throw cliFault('usage', `${command.name()} has no option ${long}`)
      given[name] = verb.getOptionValue(name)
    }
  }
  return given
}

/** Every verb that takes a reason, before it sends anything. */
function assertReason({ reason }: OptionValues): void {
  const problem = typeof reason === 'string' ? reasonProblem(reason) : null
  if (problem !== null) throw cliFault('reason-refused', problem)
}

const namedArgs = (command: Command): Args =>
  Object.fromEntries(
    command.registeredArguments.map((argument: Argument, index) => [argument.name(), command.processedArgs[index]]),
  )

const endWith = ({ io, report }: Session, error: unknown): Exit => {
  if (io.signal.aborted && !isFault(error)) return 'interrupted'
  const fault: Fault = isFault(error) ? error : cliFault('unexpected-failure', describe(error), { cause: error })
  report.fault(fault)
  return exitOfFault(fault)
}

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
