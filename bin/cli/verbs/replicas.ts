import type { Command } from 'commander'
import type { ShownReplica } from '../../../proxy/ops/replicas.ts'
import { columns } from '../columns.ts'
import { type ExecuteOptions, intentOf, REASON_OPTION } from '../execute.ts'
import type { Runner } from '../session.ts'

export const addReplicas = (program: Command, runner: Runner): void => {
  const replicas = program.command('replicas').description('The processes on this ledger.')
  const list = replicas
    .command('list', { isDefault: true })
    .description('Who is registered, who lives, and who has yet to follow a change.')
  runner.bind(list, async ({ io, ops, report }) => {
    const answer = await ops().call('replicas', {}, io.signal)
    report.data(replicaTable(answer.replicas))
    report.object(answer)
    return 'ok'
  })

  const forget = replicas
    .command('forget')
    .description(
      'Count a dead process out, so that enrol and finalize no longer wait for it. A dry run until --execute.',
    )
    .argument('<name>', 'as crossfade replicas list shows it')
    .option('--execute', 'do it; make sure first that the process has ended: it could still write past the ledger')
    .option(...REASON_OPTION)
  runner.bind<ExecuteOptions>(forget, async ({ io, ops, report }, { name = '' }, options) => {
    const body = { name, ...intentOf('replicas forget', options) }
    const answer = await ops().call('forgetReplica', { body }, io.signal)
    report.data(replicaTable([answer.replica]))
    report.note(
      answer.executed ? `${name} is forgotten` : 'nothing was done: add --execute --reason "why" to forget it',
    )
    report.object(answer)
    return 'ok'
  })
}

const replicaTable = (replicas: readonly ShownReplica[]): string =>
  columns(
    ['NAME', 'STATE', 'SILENT', 'BEHIND', 'DIFFERS'],
    replicas.map(({ name, state, silent_seconds, behind, differs, self }) => [
      self ? `${name} *` : name,
      state,
      silent_seconds === 0 ? '-' : `${silent_seconds} s`,
      behind.join(', ') || '-',
      differs.join('; ') || '-',
    ]),
  )
