import { type Command, Option } from 'commander'
import { PHASES, type Phase } from '../../../flags/phase.ts'
import type { Pinned } from '../../../proxy/ops/control.ts'
import type { Cap } from '../../../proxy/ops/status.ts'
import { columns } from '../columns.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Runner } from '../session.ts'
import { stillNewWords } from '../still-new.ts'

interface Options {
  readonly all?: boolean
  readonly cohort?: string
  readonly to?: Phase
  readonly reason?: string
  readonly force?: boolean
}

const given = <K extends keyof Options>(options: Options, ...keys: readonly K[]): Pick<Options, K> =>
  Object.fromEntries(keys.filter((key) => options[key] !== undefined).map((key) => [key, options[key]])) as Pick<
    Options,
    K
  >

export const addRollback = (program: Command, runner: Runner): void => {
  const rollback = program
    .command('rollback')
    .description('Lower the phase at once, on every replica, until lifted. No dry run, and no reason is needed.')
    .argument('[selector]', SELECTOR_HELP)
    .option(...ALL_OPTION)
    .option('--cohort <name>', 'only this cohort')
    .addOption(new Option('--to <phase>', 'the highest phase that stays allowed').choices(PHASES).default('off'))
    .option('--reason <why>', 'kept in the audit record')
  runner.bind<Options>(rollback, async ({ io, ops, report }, args, options) => {
    const selector = selectorOf(args['selector'], options.all, null)
    const body = { selector, ...given(options, 'cohort', 'to', 'reason') }
    const answer = await ops().call('rollback', { body }, io.signal)
    report.data(capTable(answer.caps))
    report.note(`applied by ${answer.replicas.applied} of ${answer.replicas.of} replicas`)
    if (!answer.durable) report.note('not durable yet: the ledger is down; it is made durable when the ledger is back')
    if (answer.still_new !== null) report.note(stillNewWords(answer.still_new, options.cohort ?? null))
    for (const line of unmovedLines(answer.unmoved)) report.note(line)
    report.note(`to take it back: crossfade lift ${scopeOf(selector, options.cohort)}`)
    report.object(answer)
    return 'ok'
  })
}

const scopeOf = (selector: string, cohort: string | undefined): string =>
  `${selector === '*' ? '--all' : selector}${cohort === undefined ? '' : ` --cohort ${cohort}`}`

export const addLift = (program: Command, runner: Runner): void => {
  const lift = program
    .command('lift')
    .description('Take caps of rollbacks and of the guard away; refused while the flag asks for more than runs.')
    .argument('[selector]', SELECTOR_HELP)
    .option(...ALL_OPTION)
    .option('--cohort <name>', 'only this cohort')
    .option('--force', 'although the flag asks for more than runs now')
    .option('--reason <why>', 'kept in the audit record')
  runner.bind<Options>(lift, async ({ io, ops, report }, args, options) => {
    const body = {
      selector: selectorOf(args['selector'], options.all, null),
      ...given(options, 'cohort', 'force', 'reason'),
    }
    const answer = await ops().call('lift', { body }, io.signal)
    report.data(capTable(answer.lifted))
    report.note(`${answer.lifted.length} caps lifted, on ${answer.replicas.applied} of ${answer.replicas.of} replicas`)
    report.object(answer)
    return 'ok'
  })
}

export const addCaps = (program: Command, runner: Runner): void => {
  const caps = program
    .command('caps')
    .description('The caps that hold phases back, and why.')
    .argument('[selector]', SELECTOR_HELP)
    .option(...ALL_OPTION)
  runner.bind<Options>(caps, async ({ io, ops, report }, args, { all }) => {
    const answer = await ops().call('caps', { query: { selector: selectorOf(args['selector'], all, '*') } }, io.signal)
    report.data(capTable(answer.caps))
    report.object(answer)
    return 'ok'
  })
}

/** More are named by `crossfade status`. */
const NAMED = 10

const unmovedLines = (unmoved: readonly Pinned[]): readonly string[] => [
  ...unmoved.slice(0, NAMED).map(({ integration, phase, why, next }) => {
    const back = next === null ? '' : `; this does: ${next}`
    return `${integration} stays ${phase}, ${why}: no cap leads back${back}`
  }),
  ...(unmoved.length <= NAMED ? [] : [`and so do ${unmoved.length - NAMED} more: crossfade status`]),
]

const capTable = (caps: readonly Cap[]): string =>
  columns(
    ['INTEGRATION', 'COHORT', 'AT MOST', 'BY', 'SINCE', 'REASON'],
    caps.map((cap) => [cap.integration, cap.cohort ?? 'all', cap.phase, cap.by ?? cap.source, cap.at, cap.reason]),
  )
