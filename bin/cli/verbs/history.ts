import { type Command, InvalidArgumentError, Option } from 'commander'
import { durationSchema } from '../../../core/units.ts'
import { HISTORY_BY, type History } from '../../../proxy/ops/history.ts'
import { columns } from '../columns.ts'
import { COLUMNS, type GroupBy } from '../count-groups.ts'
import { wholeNumber } from '../numbers.ts'
import type { Runner } from '../session.ts'
import { type PageOptions, paged, queryOf, showMore } from './records.ts'

interface Options extends PageOptions {
  readonly by: GroupBy
  readonly since: string | number
  readonly until?: string
  readonly points: number
}

export const addHistory = (program: Command, runner: Runner): void => {
  const history = paged(program, 'history', 'What the counts were, to the present: a burndown.')
    .addOption(new Option('--by <what>', 'a series for each of these').choices(HISTORY_BY).default('integration'))
    .option('--since <time>', 'how far back, or from which instant: 24h, 2026-01-31T12:00:00Z', moment, '24h')
    .option('--until <instant>', 'to this instant instead of now')
    .option('--points <n>', 'so many of each series, at even distances', wholeNumber, 24)
  runner.bind<Options>(history, async (session, args, { by, since, until, points, ...page }) => {
    const query = {
      ...queryOf(args, page),
      by,
      points,
      since: instantOf(since, until === undefined ? session.io.clock.wall() : Date.parse(until)),
      ...(until === undefined ? {} : { until }),
    }
    const answer = await session.ops().call('history', { query }, session.io.signal)
    session.report.data(columns([by.toUpperCase(), 'AT', ...COLUMNS.map(([, title]) => title)], rows(answer)))
    showMore(session, answer.next)
    session.report.object(answer)
    return 'ok'
  })
}

/** A duration as ms, or an instant as it is written. */
const moment = (text: string): string | number => {
  const duration = durationSchema.safeParse(text)
  if (duration.success) return duration.data
  if (Number.isNaN(Date.parse(text))) throw new InvalidArgumentError('expected a duration such as 24h, or an instant.')
  return text
}

const instantOf = (since: string | number, until: number): string => {
  const ms = typeof since === 'number' ? since : durationSchema.safeParse(since).data
  return new Date(ms === undefined ? Date.parse(String(since)) : until - ms).toISOString()
}

const rows = ({ series }: History): readonly (readonly string[])[] =>
  series.flatMap(({ key, points }) =>
    points.map(({ at, counts }, i) => [
      i === 0 ? key || '-' : '',
      at,
      ...COLUMNS.map(([name]) => String(counts[name])),
    ]),
  )
