import { type Command, Option } from 'commander'
import type { Plan, Started } from '../../../proxy/ops/work.ts'
import { type ExecuteOptions, intentOf, REASON_OPTION } from '../execute.ts'
import type { Exit } from '../exit-codes.ts'
import { followRun } from '../follow-run.ts'
import { wholeNumber } from '../numbers.ts'
import type { OpsClient } from '../ops-client.ts'
import type { Report } from '../report.ts'
import { ALL_OPTION, SELECTOR_HELP } from '../selector.ts'
import type { Args, Runner, Session } from '../session.ts'
import { isMany, type ManyOptions, migrateMany } from './migrate-many.ts'
import { addPace, CONCURRENCY_OPTION, type PaceOptions, RATE_OPTION, setPaceFirst } from './pace.ts'
import { addRuns } from './runs.ts'

interface Options extends PaceOptions, ExecuteOptions {
  readonly repair?: boolean
  readonly abort?: boolean
  readonly stage?: (typeof STAGES)[number]
}

const STAGES = ['enrol', 'inventory', 'backfill', 'verify'] as const

type What = 'migrate' | 'verify' | 'reverse'
type Leave = 'finalize' | 'abandon'

const LEAVES = {
  finalize:
    'The new side alone, for good, once nothing would be lost. A dry run until --execute; goes on where it was.',
  abandon: 'The legacy side alone, as before the migration. A dry run until --execute; goes on where it was.',
} as const satisfies Record<Leave, string>

export const addMigrate = (program: Command, runner: Runner): void => {
  const migrate = program
    .command('migrate')
    .description(
      'Enrol, inventory, backfill and verify, one integration or many in order. A dry run until --execute; goes on where it was.',
    )
    .argument('[integration]', SELECTOR_HELP)
    .option(...ALL_OPTION)
    .option('--plan', 'propose an order, few secrets and little traffic first, as a file that can be edited')
    .option('--from <file>', 'follow such a file')
    .option('--parallel <n>', 'so many integrations at a time', wholeNumber)
    .option('--keep-going', 'go on with the others where one does not end well')
    .addOption(new Option('--stage <stage>', 'only this stage; without it, all of them').choices(STAGES))
    .option('--execute', 'do it; without it, only print the plan')
    .option(...REASON_OPTION)
    .option(...RATE_OPTION)
    .option(...CONCURRENCY_OPTION)
  runner.bind<Options & ManyOptions>(migrate, (session, args, options) =>
    isMany(args, options)
      ? migrateMany(session, args, options, (plan) => printPlan(plan, session.report))
      : start('migrate', session, args, options),
  )
  addPace(migrate, runner)
  addRuns(migrate, runner)

  const reverse = program
    .command('reverse')
    .description('Carry what only new holds back to legacy, and verify. A dry run until --execute.')
    .argument('<integration>', 'the integration')
    .option('--execute', 'do it; without it, only print the plan')
    .option('--reason <why>', 'kept in the audit record; needed with --execute')
  runner.bind<Options>(reverse, (session, args, options) => start('reverse', session, args, options))

  const verify = program
    .command('verify')
    .description('Compare every secret of both sides. A dry run until --execute.')
    .argument('<integration>', 'the integration')
    .option('--repair', 'settle what differs and is known to be a copy')
    .option('--execute', 'do it; without it, only print the plan')
    .option(...REASON_OPTION)
  runner.bind<Options>(verify, (session, args, options) => start('verify', session, args, options))

  for (const what of ['finalize', 'abandon'] as const) {
    const leave = program
      .command(what)
      .description(LEAVES[what])
      .argument('<integration>', 'the integration')
      .option('--abort', 'go back to enrolled; possible until one side is pinned')
      .option('--execute', 'do it; without it, only print the plan')
      .option(...REASON_OPTION)
    runner.bind<Options>(leave, (session, args, options) => startLeaving(what, session, args, options))
  }
}

const startLeaving = async (what: Leave, session: Session, args: Args, options: Options): Promise<Exit> => {
  const { io, ops, report } = session
  const { integration = '' } = args
  const { abort = false } = options
  const intent = intentOf(what, options)
  const body = { integration, abort, ...intent }
  const answer = await ops().call(what, { body }, io.signal)
  if (answer.kind === 'run') return followRun(session, answer)
  printPlan(answer, report)
  const isOver = answer.stages.every(({ needed }) => !needed)
  if (isOver) report.note('nothing is left to do')
  else if (!intent.execute) report.note('nothing was done: add --execute --reason "why" to do it')
  report.object(answer)
  return !intent.execute && (answer.missing ?? []).length > 0 ? 'refused' : 'ok'
}

const start = async (what: What, session: Session, args: Args, options: Options): Promise<Exit> => {
  const { io, ops, report } = session
  const { integration = '' } = args
  const { reason } = options
  const body = { integration, ...intentOf(what, options) }
  if (body.execute && reason !== undefined) await setPaceFirst(session, integration, options, reason)
  const answer = await ask[what](ops(), body, options, io.signal)
  if (answer.kind === 'run') return followRun(session, answer)
  printPlan(answer, report)
  const isLacking = (answer.missing ?? []).length > 0
  report.note(isLacking ? 'nothing was done' : 'nothing was done: add --execute --reason "why" to do it')
  report.object(answer)
  return isLacking ? 'refused' : 'ok'
}

interface Body {
  readonly integration: string
  readonly execute: boolean
  readonly reason?: string
}
type Ask = (ops: OpsClient, body: Body, options: Options, signal: AbortSignal) => Promise<Started>

const ask: Readonly<Record<What, Ask>> = {
  migrate: (ops, body, { stage }, signal) =>
    ops.call('migrate', { body: { ...body, ...(stage === undefined ? {} : { stage }) } }, signal),
  verify: (ops, body, { repair }, signal) =>
    ops.call('verify', { body: { ...body, ...(repair ? { repair } : {}) } }, signal),
  reverse: (ops, body, _options, signal) => ops.call('reverse', { body }, signal),
}

const printPlan = (plan: Plan, { data }: Report): void => {
  data(`plan for ${plan.integration}\n`)
  for (const { stage, what, needed } of plan.stages) data(`  ${needed ? 'will' : 'done'}  ${stage}: ${what}\n`)
  for (const missing of plan.missing ?? []) data(`  lacks ${missing}\n`)
  for (const risk of plan.risks) data(`  risk  ${risk}\n`)
  for (const command of plan.next) data(`next: ${command}\n`)
}
