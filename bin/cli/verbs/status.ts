import { type Command, Option } from 'commander'
import { HISTORY_BY } from '../../../proxy/ops/history.ts'
import type { Status } from '../../../proxy/ops/status.ts'
import type { Run } from '../../../proxy/ops/work.ts'
import { type GroupBy, groupCounts } from '../count-groups.ts'
import type { Io } from '../io.ts'
import { makePaces, type Paces } from '../pace.ts'
import { progressLine } from '../progress-line.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Runner, Session } from '../session.ts'
import { renderGroups, renderStatus } from '../status-table.ts'

const EVERY_MS = 2000

interface Options {
  readonly watch?: boolean
  readonly all?: boolean
  readonly by?: GroupBy
}

export const addStatus = (program: Command, runner: Runner): void => {
  const status = program
    .command('status')
    .description('Phases, counts, caps, mismatches, latencies and runs that have not ended.')
    .argument('[selector]', SELECTOR_HELP)
    .option(
      '-w, --watch',
      'show it again every two seconds, with rate and time left, until Ctrl-C; with --json a line each',
    )
    .addOption(new Option('--by <what>', 'only exact counts, added up by this').choices(HISTORY_BY))
    .option(...ALL_OPTION)
  runner.bind<Options>(status, async (session, args, { watch, all, by }) => {
    const selector = selectorOf(args['selector'], all, '*')
    if (!watch) return show(session, selector, by ?? null, null)
    const paces = makePaces()
    while (!session.io.signal.aborted) {
      await show(session, selector, by ?? null, paces)
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

/** To the top left, and when the new table is there, away with what is left of the old one: nothing flickers. */
const HOME = '\u001b[H'
const REST = '\u001b[J'

const show = async (session: Session, selector: string, by: GroupBy | null, paces: Paces | null): Promise<'ok'> => {
  const { io, ops, report } = session
  const [answer, runs] = await Promise.all([
    ops().call('status', { query: { selector } }, io.signal),
    by === null ? openRuns(session, selector) : [],
  ])
  const { text: table, object } = by === null ? whole(answer, session, paces) : added(answer, by, session, paces)
  const text =
    table + runs.map((run) => `\n${run.integration}: ${run.what}: ${progressLine(run, io.clock.wall())}\n`).join('')
  report.data(paces !== null && isScreen(io) ? `${HOME}${text.replaceAll('\n', '\u001b[K\n')}${REST}` : text)
  report.object(object)
  return 'ok'
}

/** Without the ledger nobody knows of runs, and everything else is shown all the same. */
const openRuns = async ({ io, ops }: Session, selector: string): Promise<readonly Run[]> => {
  const answer = await ops()
    .call('runs', { query: { selector } }, io.signal)
    .catch(() => null)
  return answer?.runs.filter(({ ended_at }) => ended_at === null) ?? []
}

interface Shown {
  readonly text: string
  readonly object: object
}

const whole = (status: Status, { io, report }: Session, paces: Paces | null): Shown => {
  if (paces === null) return { text: renderStatus(status, report.paint), object: status }
  const rates = groupCounts(status.integrations, 'integration').map(({ key, counts }) => {
    return { integration: key, ...paces.look(key, counts, io.clock.monotonic()) }
  })
  const known = new Map(rates.map((rate) => [rate.integration, rate]))
  return {
    text: renderStatus(status, report.paint, (key) => known.get(key) ?? NO_PACE),
    object: { ...status, rates },
  }
}

const added = ({ at, integrations }: Status, by: GroupBy, { io }: Session, paces: Paces | null): Shown => {
  const groups = groupCounts(integrations, by).map((group) => ({
    ...group,
    ...(paces === null ? {} : paces.look(group.key, group.counts, io.clock.monotonic())),
  }))
  const known = new Map(groups.map((group) => [group.key, { ...NO_PACE, ...group }]))
  const paceOf = paces === null ? null : (key: string) => known.get(key) ?? NO_PACE
  return { text: renderGroups(by, groups, paceOf), object: { at, by, groups } }
}

const NO_PACE = { per_second: null, eta_seconds: null } as const

const isScreen = (io: Io): boolean => io.stdout.isTTY === true && io.env['TERM'] !== 'dumb'
