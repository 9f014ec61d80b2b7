import type { Command } from 'commander'
import { httpFault } from '../../../proxy/http/faults.ts'
import { columns } from '../columns.ts'
import type { Runner, Session } from '../session.ts'

interface AcceptOptions {
  readonly execute?: boolean
  readonly reason?: string
}

export const addFlagsAccept = (flags: Command, runner: Runner): void => {
  const accept = flags
    .command('accept')
    .description(
      'Let an answer of the flag source through that max_moves holds. Only says what is held until --execute.',
    )
    .option('--execute', 'do it, on every replica that holds the same')
    .option('--reason <why>', 'kept in the audit record; needed with --execute')
  runner.bind<AcceptOptions>(accept, (session, _args, options) => acceptFlags(session, options))
}

async function acceptFlags({ io, ops, report }: Session, { execute = false, reason }: AcceptOptions): Promise<'ok'> {
  if (execute && reason === undefined) throw httpFault('reason-required', 'flags accept --execute')
  const body = { execute, ...(reason === undefined ? {} : { reason }) }
  const answer = await ops().call('acceptFlags', { body }, io.signal)
  if (answer.limit === null) report.note('nothing is held')
  else {
    const rows = answer.moves.map(({ integration, from, to }) => [integration, from, to])
    report.data(columns(['INTEGRATION', 'ASKED FOR', 'WILL ASK FOR'], rows))
    if (!answer.executed) {
      report.note(
        `one answer may move ${answer.limit}; nothing was changed: add --execute --reason "why" to let it through`,
      )
    }
  }
  report.object(answer)
  return 'ok'
}
