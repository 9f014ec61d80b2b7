import type { Command } from 'commander'
import type { ShownPace } from '../../../proxy/ops/pace.ts'
import { columns } from '../columns.ts'
import { cliFault } from '../faults.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Runner, Session } from '../session.ts'

interface Options extends PaceOptions {
  readonly all?: boolean
  readonly adaptive?: string
  readonly reason?: string
}

export interface PaceOptions {
  readonly rate?: string
  readonly concurrency?: string
}

export const RATE_OPTION = ['--rate <n>', 'secrets a second at most, all processes together; none: no limit'] as const
export const CONCURRENCY_OPTION = ['--concurrency <n>', 'passes at once, in each process'] as const

export const addPace = (migrate: Command, runner: Runner): void => {
  const pace = migrate
    .command('pace')
    .description('How fast it goes; with an option it is changed at once, also for runs on their way.')
    .usage('[options] (SELECTOR | --all)')
    .argument('[selector]', SELECTOR_HELP)
    .option(...ALL_OPTION)
    .option(...RATE_OPTION)
    .option(...CONCURRENCY_OPTION)
    .option('--adaptive <on|off>', "slow down for clients' latency and for the stores")
    .option('--reason <why>', 'kept in the event')
  runner.bind<Options>(pace, async ({ io, ops, report }, args, options) => {
    const selector = selectorOf(args['selector'], options.all, null)
    const change = { ...paceOf(options), ...adaptiveOf(options.adaptive) }
    const reason = options.reason === undefined ? {} : { reason: options.reason }
    const answer =
      Object.keys(change).length === 0
        ? await ops().call('pace', { query: { selector } }, io.signal)
        : await ops().call('setPace', { body: { selector, ...change, ...reason } }, io.signal)
    report.data(paceTable(answer.paces))
    report.object(answer)
    return 'ok'
  })
}

/** What the options say of the pace, before a run begins. */
export async function setPaceFirst(
  { io, ops }: Session,
  integration: string,
  options: PaceOptions,
  reason: string,
): Promise<void> {
  const pace = paceOf(options)
  if (Object.keys(pace).length === 0) return
  await ops().call('setPace', { body: { selector: integration, ...pace, reason } }, io.signal)
}

/** Of `--rate` and `--concurrency`; a word that is no number is refused here, with the word. */
export const paceOf = ({ rate, concurrency }: PaceOptions): { rate?: number | 'none'; concurrency?: number } => ({
  ...(rate === undefined ? {} : { rate: rate === 'none' ? rate : numberOf('--rate', rate) }),
  ...(concurrency === undefined ? {} : { concurrency: numberOf('--concurrency', concurrency) }),
})

const numberOf = (option: string, text: string): number => {
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number) || number <= 0)
    throw cliFault('usage', `${option} ${text}: expected a number above 0${option === '--rate' ? ', or none' : ''}`)
  return number
}

const adaptiveOf = (word: string | undefined): { adaptive?: boolean } => {
  if (word === undefined) return {}
  if (word !== 'on' && word !== 'off') throw cliFault('usage', `--adaptive ${word}: expected on or off`)
  return { adaptive: word === 'on' }
}

const paceTable = (paces: readonly ShownPace[]): string =>
  columns(
    ['INTEGRATION', 'RATE', 'CONCURRENCY', 'ADAPTIVE', 'NOW', 'PASSES', 'THROTTLED BY'],
    paces.map(({ integration, rate, concurrency, adaptive, now }) => [
      integration,
      perSecond(rate),
      String(concurrency),
      adaptive ? 'on' : 'off',
      now === null ? '-' : perSecond(now.rate),
      now === null ? '-' : String(now.passes),
      now?.throttled_by ?? '-',
    ]),
  )

const perSecond = (rate: number | null): string => (rate === null ? 'none' : `${Math.round(rate * 10) / 10}/s`)
