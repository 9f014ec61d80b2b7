import type { Command } from 'commander'
import type { Io } from '../io.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Runner, Session } from '../session.ts'
import { renderStatus } from '../status-table.ts'

const EVERY_MS = 2000

interface Options {
  readonly watch?: boolean
  readonly all?: boolean
}

export const addStatus = (program: Command, runner: Runner): void => {
  const status = program
    .command('status')
    .description('Phases, counts, caps, mismatches and latencies.')
    .argument('[selector]', SELECTOR_HELP)
    .option('-w, --watch', 'show it again every two seconds, until Ctrl-C')
    .option(...ALL_OPTION)
  runner.bind<Options>(status, async (session, args, { watch, all }) => {
    const selector = selectorOf(args['selector'], all, '*')
    if (!watch) return show(session, selector)
    while (!session.io.signal.aborted) {
      await show(session, selector)
      await session.io.clock.sleep(EVERY_MS, session.io.signal).catch(() => undefined)
    }
    return 'interrupted'
  })

  const explain = program
    .command('explain')
    .description('Why a customer is in its phase, and what would change it.')
    .argument('<integration>', 'the integration')
    .argument('<customer>', 'the customer')
  runner.bind(explain, async ({ io, ops, report }, { integration = '', customer = '' }) => {
    const told = await ops().call('explain', { params: { integration, customer } }, io.signal)
    report.data(`${told.customer} of ${told.integration} is in cohort ${told.cohort} and runs ${told.effective}.\n`)
    for (const { rule, phase, because } of told.steps) report.data(`  ${rule}: ${phase ?? 'nothing'}, ${because}\n`)
    for (const command of told.next) report.data(`to change it: ${command}\n`)
    report.object(told)
    return 'ok'
  })
}

const CLEAR = '\u001b[H\u001b[2J'

const show = async ({ io, ops, report }: Session, selector: string): Promise<'ok'> => {
  const answer = await ops().call('status', { query: { selector } }, io.signal)
  if (isScreen(io)) report.data(CLEAR)
  report.data(renderStatus(answer, report.paint))
  report.object(answer)
  return 'ok'
}

const isScreen = (io: Io): boolean => io.stdout.isTTY === true && io.env['TERM'] !== 'dumb'
