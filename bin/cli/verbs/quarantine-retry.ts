import { type Command, Option } from 'commander'
import { QUARANTINE_REASONS, type QuarantineReason } from '../../../ledger/ledger.ts'
import type { Retried } from '../../../proxy/ops/work.ts'
import { columns } from '../columns.ts'
import { type ExecuteOptions, intentOf, REASON_OPTION } from '../execute.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Runner } from '../session.ts'

interface Options extends ExecuteOptions {
  readonly all?: boolean
  readonly only?: QuarantineReason
}

/** There new owes on purpose, and nothing settles that. */
export const WHERE_OFF = 'where every customer runs off, only crossfade migrate does'

export const addRetry = (quarantine: Command, runner: Runner): void => {
  const retry = quarantine
    .command('retry')
    .description('Try again what could not be copied; nothing is put over or destroyed. A dry run until --execute.')
    .argument('[selector]', SELECTOR_HELP)
    .option(...ALL_OPTION)
    .addOption(new Option('--only <why>', 'only what is in quarantine for this').choices(QUARANTINE_REASONS))
    .option('--execute', 'do it; without it, only count')
    .option(...REASON_OPTION)
  runner.bind<Options>(retry, async ({ io, ops, report }, args, { all, only, ...options }) => {
    const intent = intentOf('quarantine retry', options)
    const body = {
      selector: selectorOf(args['selector'], all, null),
      ...intent,
      ...(only === undefined ? {} : { only: [only] }),
    }
    const answer = await ops().call('retry', { body }, io.signal)
    report.data(columns(['INTEGRATION', 'REASON', 'SECRETS', ''], rows(answer)))
    report.note(
      intent.execute
        ? `they are debts again: what still cannot be copied comes back to the quarantine, with its reason. Settle tries at once; ${WHERE_OFF}`
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
