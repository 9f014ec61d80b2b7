import type { Command } from 'commander'
import PQueue from 'p-queue'
import { isFault } from '../../../core/fault.ts'
import { type PhaseEdit, setPhase } from '../../../flags/ladder.ts'
import { PHASES, type Phase } from '../../../flags/phase.ts'
import type { FlagChange, SetFlagsResult } from '../../../proxy/ops/control.ts'
import { columns } from '../columns.ts'
import { type ExecuteOptions, intentOf, REASON_OPTION } from '../execute.ts'
import type { Exit } from '../exit-codes.ts'
import { cliFault } from '../faults.ts'
import { countingLine, showChange } from '../flag-changes.ts'
import { percentage } from '../numbers.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Args, Runner, Session } from '../session.ts'
import { readToken } from '../token.ts'
import { CONFIG_OPTION, configFor, TOKEN_OPTION } from './flags-code.ts'

/*
 * flags set. The plan comes from the server, which knows what holds a phase back. Flags of a file are set by one request;
 * those of an Unleash server integration by integration, so that hundreds show how far they are, and what failed is set by
 * the same command again. With a personal token the command writes to Unleash itself, whose audit then names the human.
 */

interface SetOptions extends ExecuteOptions {
  readonly cohort?: string
  readonly percent?: number
  readonly all?: boolean
  readonly config?: string
  readonly unleashTokenFile?: string
}

export const addFlagsSet = (flags: Command, runner: Runner): void => {
  const set = flags
    .command('set')
    .description(`Ask for a phase: ${PHASES.join(', ')}. A dry run until --execute; goes on where it was.`)
    .usage('[options] (SELECTOR | --all) PHASE')
    .argument('<selector>', `${SELECTOR_HELP}; left out with --all`)
    .argument('[phase]', 'the phase to ask for')
    .option('--cohort <name>', 'only this cohort')
    .option('--percent <n>', 'only this share of the customers', percentage)
    .option(...ALL_OPTION)
    .option('--execute', 'do it; without it, only say what would change')
    .option(...REASON_OPTION)
    .option(...TOKEN_OPTION)
    .option(CONFIG_OPTION[0], 'with --unleash-token-file: the configuration that says where Unleash is')
  runner.bind<SetOptions>(set, setFlags)
}

/** With --all there is no selector, so the first word is the phase. */
const words = ({ selector, phase }: Args, all: boolean | undefined): { selector: string; phase: Phase } => {
  const [chosen, wanted] = all ? [undefined, selector] : [selector, phase]
  if (all && phase !== undefined) throw cliFault('usage', `${selector} and --all exclude each other`)
  const known = PHASES.find((name) => name === wanted)
  if (known === undefined) throw cliFault('usage', `${wanted ?? 'nothing'} is no phase; there are ${PHASES.join(', ')}`)
  return { selector: selectorOf(chosen, all, null), phase: known }
}

const setFlags = async (session: Session, args: Args, options: SetOptions): Promise<Exit> => {
  const { report } = session
  const { cohort, percent, execute = false, reason, all, unleashTokenFile } = options
  const { selector, phase } = words(args, all)
  intentOf('flags set', options)
  if (unleashTokenFile !== undefined) readToken(unleashTokenFile)
  const edit = { phase, ...(cohort === undefined ? {} : { cohort }), ...(percent === undefined ? {} : { percent }) }
  const request = { ...edit, reason: reason ?? 'dry run' }
  const plan = await ask(session, { ...request, selector, execute: false })
  const answer = execute ? await executeSet(session, { plan, selector, edit, request, options }) : plan
  report.data(columns(['INTEGRATION', 'COHORT', 'FROM', 'TO', 'RUNS', 'WAITS FOR'], answer.changes.map(changeRow)))
  if (!answer.executed) report.note('nothing was changed: add --execute --reason "why" to do it')
  report.object(answer)
  return exitOf(answer)
}

type SetBody = PhaseEdit & { readonly selector: string; readonly reason: string; readonly execute: boolean }

const ask = ({ ops, io }: Session, body: SetBody): Promise<SetFlagsResult> =>
  ops().call('setFlags', { body }, io.signal)

interface Order {
  readonly plan: SetFlagsResult
  readonly selector: string
  readonly edit: PhaseEdit
  readonly request: Omit<SetBody, 'selector' | 'execute'>
  readonly options: SetOptions
}

const executeSet = (session: Session, order: Order): Promise<SetFlagsResult> => {
  const { plan, selector, request, options } = order
  if (options.unleashTokenFile !== undefined) return setDirectly(session, order)
  if (!plan.one_by_one || plan.changes.length === 1) return ask(session, { ...request, selector, execute: true })
  return setOneByOne(session, order)
}

/** More at a time than the server lets run at once, so that it is the one that paces. */
const AT_ONCE = 32

async function setOneByOne(session: Session, { plan, request }: Order): Promise<SetFlagsResult> {
  const count = countingLine(session.io, plan.changes.length)
  const queue = new PQueue({ concurrency: AT_ONCE })
  const setOne = async (planned: FlagChange): Promise<FlagChange> => {
    if (session.io.signal.aborted) return { ...planned, problem: NOT_BEGUN }
    const change = await ask(session, { ...request, selector: planned.integration, execute: true }).then(
      ({ changes }) => changes[0] ?? planned,
      (error: unknown) => failed(planned, error),
    )
    count()
    return change
  }
  const changes = await Promise.all(
    plan.changes.map((change) => queue.add(() => setOne(change)) as Promise<FlagChange>),
  )
  return { executed: true, one_by_one: true, changes }
}

const NOT_BEGUN = 'not begun'

const failed = (planned: FlagChange, error: unknown): FlagChange => ({
  ...planned,
  problem: isFault(error)
    ? `${error.title}: ${error.detail} (${error.code})`
    : 'interrupted: look before it is repeated',
})

/** The plan has been recorded by the server, with its reason; what follows is recorded by Unleash, with the human. */
async function setDirectly(session: Session, { plan, edit, options }: Order): Promise<SetFlagsResult> {
  const { io } = session
  const config = await configFor(session, options.config)
  if (config.flags.source === 'file') throw cliFault('usage', 'the flags are in a file: leave --unleash-token-file out')
  const { deskOf } = await import('../../flags/open.ts')
  const desk = deskOf(config, io.clock, options.unleashTokenFile)
  const asks = plan.changes.map(({ integration }) => ({
    integration,
    edit: (held: Parameters<typeof setPhase>[0]) => setPhase(held, integration, edit),
  }))
  const written = await desk.write(asks, { signal: io.signal, onWritten: countingLine(io, asks.length) })
  const changes = plan.changes.map((change, index) => {
    const { problem, state } = showChange(change.integration, written[index] ?? { kind: 'left' })
    return { ...change, problem: state === 'left' ? NOT_BEGUN : (problem?.detail ?? null) }
  })
  return { executed: true, one_by_one: true, changes }
}

/** A dry run that would be refused in part says so, and so does one that was done in part: the same command goes on. */
const exitOf = ({ executed, changes }: SetFlagsResult): Exit => {
  const problems = changes.filter(({ problem }) => problem !== null).length
  if (problems === 0) return 'ok'
  return executed && problems < changes.length ? 'partial' : 'refused'
}

const changeRow = (change: FlagChange): readonly string[] => [
  change.integration,
  change.cohort ?? 'all',
  change.from ?? '-',
  change.to,
  change.problem === null ? change.effective : (change.from ?? '-'),
  change.problem ?? (change.waits_for.join('; ') || 'nothing'),
]
