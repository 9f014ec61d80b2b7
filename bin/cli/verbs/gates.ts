import { type Command, Option } from 'commander'
import { PHASES, type Phase } from '../../../flags/phase.ts'
import type { ShownGate } from '../../../proxy/ops/gates.ts'
import { columns } from '../columns.ts'
import { type ExecuteOptions, intentOf } from '../execute.ts'
import { cliFault } from '../faults.ts'
import { ALL_OPTION, SELECTOR_HELP, selectorOf } from '../selector.ts'
import type { Args, Runner } from '../session.ts'

interface Options extends ExecuteOptions {
  readonly all?: boolean
  readonly to?: Phase
  readonly cohort?: string
}

export const addGates = (program: Command, runner: Runner): void => {
  const gates = program.command('gates').description('What cohorts wait for before they move forward.')
  addList(gates, runner)
  addForce(gates, runner)
}

const addList = (gates: Command, runner: Runner): void => {
  const list = gates
    .command('list')
    .description('What each cohort waits for, with the figures as they are now.')
    .argument('[selector]', SELECTOR_HELP)
    .option(...ALL_OPTION)
    .addOption(new Option('--to <phase>', 'on the way to this phase, not to what the flag asks for').choices(PHASES))
  runner.bind<Options>(list, async ({ io, ops, report }, args, { all, to }) => {
    const query = { selector: selectorOf(args['selector'], all, '*'), ...(to === undefined ? {} : { phase: to }) }
    const answer = await ops().call('gates', { query }, io.signal)
    report.data(gateTable(answer.gates))
    report.object(answer)
    return 'ok'
  })
}

const addForce = (gates: Command, runner: Runner): void => {
  const force = gates
    .command('force')
    .description('Count gates up to a phase as open, until the flag asks for less. A dry run until --execute.')
    .usage('[options] (SELECTOR | --all) PHASE')
    .argument('<selector>', `${SELECTOR_HELP}; left out with --all`)
    .argument('[phase]', 'the phase that may be entered')
    .option('--cohort <name>', 'only this cohort')
    .option(...ALL_OPTION)
    .option('--execute', 'do it; without it, only say what is passed over')
    .option('--reason <why>', 'kept in the audit record and the event; needed with --execute')
  runner.bind<Options>(force, async ({ io, ops, report }, args, options) => {
    const { cohort, all } = options
    const intent = intentOf('gates force', options)
    const body = {
      ...words(args, all),
      ...intent,
      ...(cohort === undefined ? {} : { cohort }),
    }
    const answer = await ops().call('forceGate', { body }, io.signal)
    report.data(gateTable(answer.gates))
    report.note(
      intent.execute
        ? `gates up to ${body.phase} count as open, until the flag asks for less`
        : 'nothing was changed: add --execute --reason "why" to do it',
    )
    report.object(answer)
    return 'ok'
  })
}

/** With --all there is no selector, so the first word is the phase. */
const words = ({ selector, phase }: Args, all: boolean | undefined): { selector: string; phase: Phase } => {
  const [chosen, wanted] = all ? [undefined, selector] : [selector, phase]
  if (all && phase !== undefined) throw cliFault('usage', `${selector} and --all exclude each other`)
  const known = PHASES.find((name) => name === wanted)
  if (known === undefined) throw cliFault('usage', `${wanted ?? 'nothing'} is no phase; there are ${PHASES.join(', ')}`)
  return { selector: selectorOf(chosen, all, null), phase: known }
}

const gateTable = (gates: readonly ShownGate[]): string =>
  columns(
    ['INTEGRATION', 'COHORT', 'ASKED', 'RUNS', 'PASSED', 'NEXT GATE', 'WAITS FOR', 'TRY'],
    gates.flatMap((gate) => {
      const first = [gate.integration, gate.cohort, gate.requested, gate.runs, gate.passed, gate.next ?? '-']
      const [wait, ...more] = gate.waits
      if (wait === undefined) return [[...first, forced(gate), '-']]
      return [
        [...first, `${wait.gate}: ${wait.text}`, wait.next],
        ...more.map(({ gate: phase, text, next }) => ['', '', '', '', '', '', `${phase}: ${text}`, next]),
      ]
    }),
  )

const forced = ({ forced: word }: ShownGate): string =>
  word === null ? 'nothing' : `nothing: forced to ${word.phase} by ${word.by}`
