import type { Command } from 'commander'
import { httpFault } from '../../../proxy/http/faults.ts'
import type { Plan } from '../../../proxy/ops/work.ts'
import type { Exit } from '../exit-codes.ts'
import { followRun } from '../follow-run.ts'
import type { Report } from '../report.ts'
import type { Args, Runner, Session } from '../session.ts'

interface Options {
  readonly execute?: boolean
  readonly reason?: string
  readonly repair?: boolean
}

type What = 'migrate' | 'verify'

export const addMigrate = (program: Command, runner: Runner): void => {
  const migrate = program
    .command('migrate')
    .description(
      'Enrol, inventory, backfill and verify an integration. A dry run until --execute; goes on where it was.',
    )
    .argument('<integration>', 'the integration')
    .option('--execute', 'do it; without it, only print the plan')
    .option('--reason <why>', 'kept in the audit record; needed with --execute')
  runner.bind<Options>(migrate, (session, args, options) => start('migrate', session, args, options))

  const verify = program
    .command('verify')
    .description('Compare every secret of both sides. A dry run until --execute.')
    .argument('<integration>', 'the integration')
    .option('--repair', 'settle what differs and is known to be a copy')
    .option('--execute', 'do it; without it, only print the plan')
    .option('--reason <why>', 'kept in the audit record; needed with --execute')
  runner.bind<Options>(verify, (session, args, options) => start('verify', session, args, options))
}

const start = async (what: What, session: Session, args: Args, options: Options): Promise<Exit> => {
  const { io, ops, report } = session
  const { integration = '' } = args
  const { execute = false, reason, repair } = options
  if (execute && reason === undefined) throw httpFault('reason-required', `${what} --execute`)
  const body = { integration, execute, ...(reason === undefined ? {} : { reason }) }
  const answer =
    what === 'migrate'
      ? await ops().call('migrate', { body }, io.signal)
      : await ops().call('verify', { body: { ...body, ...(repair ? { repair } : {}) } }, io.signal)
  if (answer.kind === 'run') return followRun(session, answer)
  printPlan(answer, report)
  report.note('nothing was done: add --execute --reason "why" to do it')
  report.object(answer)
  return 'ok'
}

const printPlan = (plan: Plan, { data }: Report): void => {
  data(`plan for ${plan.integration}\n`)
  for (const { stage, what, needed } of plan.stages) data(`  ${needed ? 'will' : 'done'}  ${stage}: ${what}\n`)
  for (const risk of plan.risks) data(`  risk  ${risk}\n`)
  for (const command of plan.next) data(`next: ${command}\n`)
}
