import type { Command } from 'commander'
import type { RenamedIntegration } from '../../../proxy/ops/integrations.ts'
import { columns } from '../columns.ts'
import { type ExecuteOptions, intentOf, REASON_OPTION } from '../execute.ts'
import type { Runner } from '../session.ts'

export const addIntegrations = (program: Command, runner: Runner): void => {
  const integrations = program
    .command('integrations')
    .description('Integrations, as the configuration and the ledger know them.')
  const list = integrations
    .command('list', { isDefault: true })
    .description('Their states, and what each was enrolled with.')
  runner.bind(list, async ({ io, ops, report }) => {
    const answer = await ops().call('integrations', {}, io.signal)
    const rows = answer.integrations.map(({ integration, state, configured, enrolled_with: was }) => [
      integration,
      state,
      configured ? 'yes' : 'no',
      was?.legacy ?? '-',
      was?.new ?? '-',
      was?.value ?? '-',
    ])
    report.data(columns(['INTEGRATION', 'STATE', 'CONFIGURED', 'LEGACY', 'NEW', 'VALUE'], rows))
    report.object(answer)
    return 'ok'
  })

  const rename = integrations
    .command('rename')
    .description(
      'Let caps, pace and history go by another name: of an integration that is not enrolled, or finalized. A dry run until --execute.',
    )
    .argument('<integration>', 'the name so far')
    .argument('<to>', 'the new one')
    .option('--execute', 'do it')
    .option(...REASON_OPTION)
  runner.bind<ExecuteOptions>(rename, async ({ io, ops, report }, { integration = '', to = '' }, options) => {
    const body = { integration, to, ...intentOf('integrations rename', options) }
    const answer = await ops().call('renameIntegration', { body }, io.signal)
    for (const line of toldOf(integration, to, answer)) report.note(line)
    report.object(answer)
    return 'ok'
  })
}

const toldOf = (from: string, to: string, answer: RenamedIntegration): readonly string[] => [
  `${answer.caps} caps ${answer.executed ? 'go' : 'would go'} by ${to}${answer.state === 'finalized' ? `, and ${to} ${answer.executed ? 'is' : 'would be'} finalized` : ''}`,
  ...(answer.kept_by.length === 0
    ? []
    : [`${from} keeps its own while ${answer.kept_by.join(', ')} has it; run this again once no replica has`]),
  ...(answer.executed ? [] : ['nothing was done: add --execute --reason "why" to do it']),
]
