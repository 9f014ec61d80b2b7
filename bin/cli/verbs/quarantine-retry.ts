import { type Command, Option } from 'commander'
import { QUARANTINE_REASONS, type QuarantineReason } from '../../../ledger/ledger.ts'
import { httpFault } from '../../../proxy/http/faults.ts'
import type { Retried } from '../../../proxy/ops/work.ts'
import { columns } from '../columns.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Runner } from '../session.ts'

interface Options {
  readonly all?: boolean
  readonly only?: QuarantineReason
  readonly execute?: boolean
  readonly reason?: string
}

export const addRetry = (quarantine: Command, runner: Runner): void => {
  const retry = quarantine
    .command('retry')
    .description('Try again what could not be copied; nothing is put over or destroyed. A dry run until --execute.')
    .argument('[selector]', SELECTOR_HELP)
    .option(...ALL_OPTION)
    .addOption(new Option('--only <why>', 'only what is in quarantine for this').choices(QUARANTINE_REASONS))
    .option('--execute', 'do it; without it, only count')
    .option('--reason <why>', 'kept in the audit record; needed with --execute')
  runner.bind<Options>(retry, async ({ io, ops, report }, args, { all, only, execute = false, reason }) => {
    if (execute && reason === undefined) throw httpFault('reason-required', 'quarantine retry --execute')
    const body = {
      selector: selectorOf(args['selector'], all, null),
      execute,
      ...(only === undefined ? {} : { only: [only] }),
      ...(reason === undefined ? {} : { reason }),
    }
    const answer = await ops().call('retry', { body }, io.signal)
    report.data(columns(['INTEGRATION', 'REASON', 'SECRETS', ''], rows(answer)))
    report.note(
      execute
        ? 'they are debts again: what still cannot be copied comes back to the quarantine, with its reason'
        : 'nothing was done: add --execute --reason "why" to do it',
    )
    report.object(answer)
    return 'ok'
  })
}

const rows = ({ integrations }: Retried): readonly (readonly string[])[] =>
  integrations.flatMap(({ integration, retried, kept }) => [
    ...Object.entries(retried).map(([reason, n]) => [integration, reason, String(n), 'is tried again']),
    ...(kept === 0 ? [] : [[integration, '-', String(kept), 'stays: no client can ask for it, or a write is open']]),
  ])
