import type { Command } from 'commander'
import type { OpsEvent } from '../../../proxy/ops/work.ts'
import { columns } from '../columns.ts'
import { cliFault } from '../faults.ts'
import type { Args, Runner, Session } from '../session.ts'
import { type PageOptions, paged, queryOf, showMore } from './records.ts'

interface EventOptions extends PageOptions {
  readonly follow?: boolean
}

const EVERY_MS = 1000

export const addEvents = (program: Command, runner: Runner): void => {
  const events = paged(
    program,
    'events',
    'Who changed what, when and why, and how many replicas run it; newest first.',
  ).option('-f, --follow', 'go on, oldest first, until Ctrl-C; with --json a line an event')
  runner.bind<EventOptions>(events, async (session, args, options) => {
    if (options.follow && options.after !== undefined)
      throw cliFault('usage', '--follow and --after exclude each other')
    const answer = await session.ops().call('events', { query: queryOf(args, options) }, session.io.signal)
    if (options.follow) return follow(session, args, options, answer.events.toReversed())
    session.report.data(columns(HEADING, answer.events.map(row)))
    showMore(session, answer.next)
    session.report.object(answer)
    return 'ok'
  })
}

/** What is there, and then what comes: asked again by number, so that nothing comes twice. */
async function follow(
  { io, ops, report }: Session,
  args: Args,
  options: EventOptions,
  newest: readonly OpsEvent[],
): Promise<'interrupted'> {
  let events = newest
  let since = '0'
  while (!io.signal.aborted) {
    for (const event of events) {
      report.data(`${row(event).join('  ')}\n`)
      report.object(event)
    }
    since = events.at(-1)?.id ?? since
    await io.clock.sleep(EVERY_MS, io.signal).catch(() => undefined)
    if (io.signal.aborted) break
    const query = { ...queryOf(args, options), since }
    events = (await ops().call('events', { query }, io.signal)).events
  }
  return 'interrupted'
}

const HEADING = ['AT', 'WHAT', 'INTEGRATION', 'COHORT', 'CHANGE', 'BY', 'RUN BY', 'REASON']

const changeOf = ({ run, from, to }: OpsEvent): string => {
  if (run !== null) return run
  return from === null && to === null ? '-' : `${from ?? '-'} to ${to ?? '-'}`
}

const row = (event: OpsEvent): readonly string[] => [
  event.at,
  event.kind,
  event.integration ?? 'all',
  event.cohort ?? 'all',
  changeOf(event),
  event.by ?? '-',
  event.applied === null ? '-' : `${event.applied.replicas} of ${event.applied.of}`,
  event.reason ?? '-',
]
