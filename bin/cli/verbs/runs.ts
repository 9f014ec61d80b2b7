import type { Command } from 'commander'
import { RUN_CHANGES, type ShownWorker } from '../../../proxy/ops/runs.ts'
import type { Run } from '../../../proxy/ops/work.ts'
import { columns } from '../columns.ts'
import type { Exit } from '../exit-codes.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Runner, Session } from '../session.ts'

interface Options {
  readonly all?: boolean
}

type Change = (typeof RUN_CHANGES)[number]

const CHANGES = {
  pause: 'Stop runs between two steps, whoever works on them; they stay until they are resumed.',
  resume: 'Let paused runs go on from where they were.',
  cancel: 'End runs at once. The same command that began one begins it anew, and finds what was done.',
} as const satisfies Record<Change, string>

/** What is done with runs that are there already, below `migrate`. */
export const addRuns = (migrate: Command, runner: Runner): void => {
  const list = migrate
    .command('list')
    .description('The run of each integration: which stage, how far, and what it waits for.')
    .argument('[selector]', SELECTOR_HELP)
    .option(...ALL_OPTION)
  runner.bind<Options>(list, async ({ io, ops, report }, args, { all }) => {
    const selector = selectorOf(args['selector'], all, '*')
    const answer = await ops().call('runs', { query: { selector } }, io.signal)
    report.data(runTable(answer.runs))
    report.object(answer)
    return 'ok'
  })
  for (const change of RUN_CHANGES) {
    const command = migrate
      .command(change)
      .description(CHANGES[change])
      .argument('[selector]', SELECTOR_HELP)
      .option(...ALL_OPTION)
    runner.bind<Options>(command, (session, args, { all }) =>
      changeRuns(session, change, selectorOf(args['selector'], all, null)),
    )
  }
}

/** Refused when there is nothing that it could change. */
const changeRuns = async ({ io, ops, report }: Session, change: Change, selector: string): Promise<Exit> => {
  const answer = await ops().call('changeRuns', { body: { selector, change } }, io.signal)
  report.data(runTable(answer.runs))
  report.object(answer)
  if (answer.runs.length > 0) return 'ok'
  report.note(`no run of ${selector === '*' ? 'any integration' : selector} is on its way`)
  return 'refused'
}

const runTable = (runs: readonly Run[]): string =>
  columns(
    ['INTEGRATION', 'WHAT', 'STATE', 'STAGE', 'DONE', 'SINCE', 'WAITS FOR OR SAYS'],
    runs.map((run) => [
      run.integration,
      run.what,
      run.outcome,
      run.stage,
      run.total === null ? String(run.done) : `${run.done}/${run.total}`,
      run.started_at,
      run.throttled_by ??
        run.message ??
        (run.outcome === 'paused' ? `crossfade migrate resume ${run.integration}` : ''),
    ]),
  )

export const addWorkers = (program: Command, runner: Runner): void => {
  const workers = program.command('workers').description('The processes that work on runs and settle debts.')
  const list = workers.command('list', { isDefault: true }).description('Who lives, and which runs each has now.')
  runner.bind(list, async ({ io, ops, report }) => {
    const answer = await ops().call('workers', {}, io.signal)
    report.data(workerTable(answer.workers))
    if (!answer.workers.some(({ state }) => state === 'live'))
      report.note('no worker is alive: start crossfade worker, or crossfade serve without --no-worker')
    report.object(answer)
    return 'ok'
  })
}

const workerTable = (workers: readonly ShownWorker[]): string =>
  columns(
    ['WORKER', 'KIND', 'STATE', 'SINCE', 'WORKS ON'],
    workers.map(({ name, kind, state, silent_seconds, started_at, runs }) => [
      name,
      kind,
      state === 'live' ? state : `gone for ${silent_seconds} s`,
      started_at,
      runs.join(', '),
    ]),
  )
