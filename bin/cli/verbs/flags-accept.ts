import type { Command } from 'commander'
import { columns } from '../columns.ts'
import { type ExecuteOptions, intentOf, REASON_OPTION } from '../execute.ts'
import type { Runner, Session } from '../session.ts'

export const addFlagsAccept = (flags: Command, runner: Runner): void => {
  const accept = flags
    .command('accept')
    .description(
      'Let an answer of the flag source through that max_moves holds. Only says what is held until --execute.',
    )
    .option('--execute', 'do it, on every replica that holds the same')
    .option(...REASON_OPTION)
  runner.bind<ExecuteOptions>(accept, (session, _args, options) => acceptFlags(session, options))
}

async function acceptFlags({ io, ops, report }: Session, options: ExecuteOptions): Promise<'ok'> {
  const body = intentOf('flags accept', options)
  const answer = await ops().call('acceptFlags', { body }, io.signal)
  if (answer.limit === null) report.note('nothing is held')
  else {
    const rows = answer.moves.map(({ integration, from, to }) => [integration, from, to])
    report.data(columns(['INTEGRATION', 'ASKED FOR', 'WILL ASK FOR'], rows))
    report.note(
      answer.executed
        ? 'let through: every replica that holds the same follows within a second or two; crossfade status shows what runs'
        : `one answer may move ${answer.limit}; nothing was changed: add --execute --reason "why" to let it through`,
    )
  }
  report.object(answer)
  return 'ok'
}
