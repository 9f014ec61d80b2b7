import { type Command, Option } from 'commander'
import { columns } from '../columns.ts'
import { type ExecuteOptions, intentOf, REASON_OPTION } from '../execute.ts'
import { wholeNumber } from '../numbers.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Args, Runner, Session } from '../session.ts'
import { addRetry, WHERE_OFF } from './quarantine-retry.ts'

export interface PageOptions {
  readonly all?: boolean
  readonly limit: number
  readonly after?: string
  readonly show?: 'open' | 'all'
}

export const paged = (parent: Command, verb: string, description: string): Command =>
  parent
    .command(verb)
    .description(description)
    .argument('[selector]', SELECTOR_HELP)
    .option(...ALL_OPTION)
    .option('--limit <n>', 'at most so many', wholeNumber, 100)
    .option('--after <key>', 'go on after this page: the next of the answer before')

export const queryOf = (args: Args, { all, limit, after }: PageOptions) => ({
  selector: selectorOf(args['selector'], all, '*'),
  limit,
  ...(after === undefined ? {} : { after }),
})

export const showMore = ({ report }: Session, next: string | null): void => {
  if (next !== null) report.note(`there are more: --after ${JSON.stringify(next)}`)
}

export const addRecords = (program: Command, runner: Runner): void => {
  addMismatches(program, runner)
  addQuarantine(program, runner)
}

const addMismatches = (program: Command, runner: Runner): void => {
  const mismatches = paged(
    program,
    'mismatches',
    'Differences between the sides that stayed; never a value.',
  ).addOption(new Option('--show <which>', 'open ones, or resolved ones too').choices(['open', 'all']).default('open'))
  runner.bind<PageOptions>(mismatches, async (session, args, options) => {
    const query = { ...queryOf(args, options), show: options.show ?? 'open' }
    const answer = await session.ops().call('mismatches', { query }, session.io.signal)
    const rows = answer.mismatches.map((m) => [
      m.integration,
      m.customer,
      m.name,
      m.class,
      m.at,
      m.resolved_at ?? 'open',
    ])
    session.report.data(columns(['INTEGRATION', 'CUSTOMER', 'NAME', 'CLASS', 'SINCE', 'RESOLVED'], rows))
    showMore(session, answer.next)
    session.report.object(answer)
    return answer.mismatches.some(({ resolved_at }) => resolved_at === null) ? 'mismatches' : 'ok'
  })
}

const addQuarantine = (program: Command, runner: Runner): void => {
  const quarantine = program.command('quarantine').description('Secrets that cannot be copied.')
  addAccept(quarantine, runner)
  addRetry(quarantine, runner)
  const list = paged(quarantine, 'list', 'What cannot be copied, and why; it stays served from where it is.')
  runner.bind<PageOptions>(list, async (session, args, options) => {
    const answer = await session.ops().call('quarantine', { query: queryOf(args, options) }, session.io.signal)
    const rows = answer.entries.map((e) => [e.integration, e.customer, e.name, e.reason, e.at ?? '-'])
    session.report.data(columns(['INTEGRATION', 'CUSTOMER', 'NAME', 'REASON', 'SINCE'], rows))
    showMore(session, answer.next)
    session.report.object(answer)
    return 'ok'
  })
}

const addAccept = (quarantine: Command, runner: Runner): void => {
  const accept = quarantine
    .command('accept')
    .description(
      'Take legacy for right where new holds something foreign; leave all else that is in quarantine now behind at the end.',
    )
    .argument('<integration>', 'the integration')
    .option('--execute', 'do it; without it, only count')
    .option(...REASON_OPTION)
  runner.bind<ExecuteOptions>(accept, async ({ io, ops, report }, args, options) => {
    const body = { integration: args['integration'] ?? '', ...intentOf('quarantine accept', options) }
    const answer = await ops().call('accept', { body }, io.signal)
    report.data(`${answer.handed_over} foreign on new: legacy's value goes over them, or they go\n`)
    report.data(`${answer.left_behind} stay in quarantine, and behind when the integration is finalized\n`)
    if (answer.unaddressable > 0)
      report.data(
        `${answer.unaddressable} of legacy that no address leads to stay behind when the integration is finalized\n`,
      )
    if (!body.execute) report.note('nothing was done: add --execute --reason "why" to do it')
    else if (answer.handed_over > 0) report.note(`settle does that at once; ${WHERE_OFF}`)
    report.object(answer)
    return 'ok'
  })
}
