import { z } from 'zod'
import { countsSchema } from './status.ts'
import { instant, page, selector } from './words.ts'

/** What the counts were: for a burndown. */
export const HISTORY_BY = ['integration', 'owner', 'cohort'] as const

const moment = z.iso.datetime({ offset: true })

export const historyQuery = z.strictObject({
  selector: selector.default('*'),
  by: z.enum(HISTORY_BY).default('integration').describe('What each series is the sum of.'),
  since: moment.optional().describe('Left out: a day before `until`.'),
  until: moment.optional().describe('Left out: now, and the last point is what the counts are now.'),
  points: z.coerce.number().int().min(1).max(1000).default(120).describe('Points of a series, at even distances.'),
  limit: page.limit.describe('Series in an answer.'),
  after: page.after,
})

export const pointSchema = z.strictObject({ at: instant, counts: countsSchema })

export const historyAnswer = z.strictObject({
  by: z.enum(HISTORY_BY),
  since: instant,
  until: instant,
  step_seconds: z.number().describe('Between two points.'),
  series: z.array(
    z.strictObject({
      key: z.string().describe('Name of the integration, the owner (empty: it has none), or the cohort.'),
      points: z.array(pointSchema).describe('From the first sample on, oldest first.'),
    }),
  ),
  next: z.string().nullable(),
})

export type HistoryQuery = z.output<typeof historyQuery>
export type History = z.infer<typeof historyAnswer>
