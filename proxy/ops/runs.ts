import { z } from 'zod'
import { count, instant, integrationName, NOTHING, reason, selector } from './words.ts'
import { runSchema, startAnswer } from './work.ts'

/* Runs as such, and who works on them. */

export const reverseBody = z.strictObject({
  integration: integrationName,
  execute: z.boolean().default(false).describe('false: answer the plan and write nothing.'),
  reason: reason.optional().describe('Required to execute.'),
})

export const runsQuery = z.strictObject({ selector: selector.default('*') })
export const runsAnswer = z.strictObject({
  runs: z.array(runSchema).describe('Of each integration the one that has not ended, else the latest.'),
})

export const RUN_CHANGES = ['pause', 'resume', 'cancel'] as const
export const changeRunsBody = z.strictObject({ selector, change: z.enum(RUN_CHANGES) })
export const changeRunsAnswer = z.strictObject({
  runs: z.array(runSchema).describe('Those that had not ended, as they are now.'),
})

export const workersAnswer = z.strictObject({
  workers: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(['serve', 'worker']).describe('serve: it serves clients, too.'),
      state: z.enum(['live', 'gone']),
      silent_seconds: count.describe('Since its lease ended.'),
      started_at: instant,
      runs: z.array(integrationName).describe('Integrations of which it has a slice now.'),
    }),
  ),
})

export type Reverse = z.infer<typeof reverseBody>
export type ChangeRuns = z.infer<typeof changeRunsBody>
export type ShownWorker = z.infer<typeof workersAnswer>['workers'][number]

const get = { method: 'GET', role: 'viewer', params: NOTHING, body: null } as const
const post = { method: 'POST', role: 'operator', params: NOTHING, query: NOTHING } as const

/** Part of the table of api.ts. */
export const RUN_ROUTES = {
  reverse: {
    ...post,
    path: '/reverse',
    body: reverseBody,
    answer: startAnswer,
    summary: 'Settle what only new holds towards legacy, and verify; a plan unless execute.',
  },
  runs: {
    ...get,
    path: '/runs',
    query: runsQuery,
    answer: runsAnswer,
    summary: 'The run of each integration, on whichever machine it is worked on.',
  },
  changeRuns: {
    ...post,
    path: '/runs',
    body: changeRunsBody,
    answer: changeRunsAnswer,
    summary: 'Pause, resume or cancel runs that have not ended; answers when they stand still.',
  },
  workers: {
    ...get,
    path: '/workers',
    query: NOTHING,
    answer: workersAnswer,
    summary: 'The processes that work on runs and settle debts: who lives, and what each has now.',
  },
} as const
