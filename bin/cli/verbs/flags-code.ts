import type { Command } from 'commander'
import { reconcile } from '../../../flags/code/reconcile.ts'
import type { Wanted } from '../../../flags/code/wanted.ts'
import type { Ask, Look, Written } from '../../../flags/desk.ts'
import type { CrossfadeConfig } from '../../config/schema.ts'
import { intentOf } from '../execute.ts'
import type { Exit } from '../exit-codes.ts'
import { exitOfFault } from '../exit-codes.ts'
import { cliFault } from '../faults.ts'
import { changesTable, countingLine, countOf, exitOfWritten, showChange } from '../flag-changes.ts'
import type { Args, Runner, Session } from '../session.ts'
import { requireRun } from '../target.ts'
import { readToken } from '../token.ts'

interface CodeOptions {
  readonly file: string
  readonly config?: string
  readonly unleashTokenFile?: string
  readonly takeOver?: boolean
  readonly switchOn?: boolean
}
interface PlanOptions extends CodeOptions {
  readonly detailedExitcode?: boolean
}
interface ApplyOptions extends CodeOptions {
  readonly execute?: boolean
  readonly reason?: string
}

export const CONFIG_OPTION = [
  '--config <file>',
  'the configuration that names the integrations, the cohorts and where flags are; without it, the embedded one',
] as const
export const TOKEN_OPTION = [
  '--unleash-token-file <file>',
  "a personal token of Unleash, so that its own audit names you; without it, the configuration's",
] as const

export const addFlagsCode = (flags: Command, runner: Runner): void => {
  const plan = withOptions(
    flags
      .command('plan')
      .description('Show what flags apply would change, and where flags are not what the file says.'),
  ).option('--detailed-exitcode', 'exit 9 if anything differs or cannot be changed: to find drift')
  runner.bind<PlanOptions>(plan, planFlags)

  const apply = withOptions(
    flags
      .command('apply')
      .description('Make flags what a file of ladders says. A dry run until --execute; goes on where it was.'),
  )
    .option('--execute', 'do it; without it, only say what would change')
    .option('--reason <why>', 'needed with --execute; shown beside the result')
  runner.bind<ApplyOptions>(apply, applyFlags)
}

const withOptions = (command: Command): Command =>
  command
    .requiredOption('-f, --file <file>', 'the ladders; flags.example.yaml shows all of it')
    .option(...CONFIG_OPTION)
    .option(...TOKEN_OPTION)
    .option('--take-over', 'also replace strategies, parents and variants that Crossfade did not write')
    .option('--switch-on', 'also switch on flags that somebody switched off')

/** The configuration that a verb works with when it changes flags by itself. */
export const configFor = async (session: Session, path: string | undefined): Promise<CrossfadeConfig> => {
  const { io, options } = session
  if (path === undefined && options.url !== undefined)
    throw cliFault('usage', 'this verb works on the configuration itself, not on a server: name it with --config FILE')
  const { loadConfig } = await import('../../config/load.ts')
  return loadConfig(path ?? requireRun(options, io).config, io.env)
}

/** What the file wants, where it is written, and what is left alone. */
async function open(session: Session, options: CodeOptions) {
  const { io } = session
  const config = await configFor(session, options.config)
  const { readFlagsFile } = await import('../../flags/flags-file.ts')
  const { deskOf, selectables } = await import('../../flags/open.ts')
  if (options.unleashTokenFile !== undefined) readToken(options.unleashTokenFile)
  const cohorts = config.cohorts.map(({ name }) => name)
  const { wanted, left } = readFlagsFile(options.file, { integrations: selectables(config), cohorts }, io.env)
  return { desk: deskOf(config, io.clock, options.unleashTokenFile), asks: wanted.map(asking(options)), left }
}

const asking =
  ({ takeOver = false, switchOn = false }: CodeOptions) =>
  (wanted: Wanted): Ask => ({
    integration: wanted.integration,
    edit: (held) => {
      const edited = reconcile(held, wanted, { takeOver })
      return edited.kind === 'edited' && switchOn
        ? { ...edited, feature: { ...edited.feature, enabled: true } }
        : edited
    },
  })

const planFlags = async (session: Session, _args: Args, options: PlanOptions): Promise<Exit> => {
  const { desk, asks, left } = await open(session, options)
  const looks = await desk.look(asks)
  report(session, { asks, outcomes: looks, left, executed: false })
  return exitOfLooks(looks, options.detailedExitcode === true)
}

const applyFlags = async (session: Session, _args: Args, options: ApplyOptions): Promise<Exit> => {
  const { execute, reason } = intentOf('flags apply', options)
  const { desk, asks, left } = await open(session, options)
  if (!execute) {
    const looks = await desk.look(asks)
    report(session, { asks, outcomes: looks, left, executed: false })
    session.report.note('nothing was changed: add --execute --reason "why" to do it')
    return exitOfLooks(looks, false)
  }
  const { io } = session
  const written = await desk.write(asks, { signal: io.signal, onWritten: countingLine(io, asks.length) })
  report(session, { asks, outcomes: written, left, executed: true, reason })
  return exitOfWritten(written)
}

/** A refusal is drift, too: somebody else wrote there. */
const exitOfLooks = (looks: readonly Look[], detailed: boolean): Exit => {
  const failed = looks.find((look) => look.kind === 'failed')
  if (failed !== undefined) return exitOfFault(failed.fault)
  const refused = looks.some(({ kind }) => kind === 'refused')
  if (detailed) return refused || looks.some(({ kind }) => kind === 'differs') ? 'drift' : 'ok'
  return refused ? 'refused' : 'ok'
}

interface Told {
  readonly asks: readonly Ask[]
  readonly outcomes: readonly (Look | Written)[]
  readonly left: readonly string[]
  readonly executed: boolean
  readonly reason?: string | undefined
}

function report({ report }: Session, { asks, outcomes, left, executed, reason }: Told): void {
  const changes = asks.map(({ integration }, index) => showChange(integration, outcomes[index] as Look))
  report.data(changesTable(changes))
  const summary = {
    written: countOf(changes, 'written'),
    differing: countOf(changes, 'differs'),
    same: countOf(changes, 'same'),
    refused: countOf(changes, 'refused'),
    failed: countOf(changes, 'failed'),
    not_begun: countOf(changes, 'left'),
    not_in_the_file: left.length,
  }
  report.note(
    Object.entries(summary)
      .filter(([name, count]) => count > 0 || name === (executed ? 'written' : 'differing'))
      .map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`)
      .join(', '),
  )
  const off = changes.filter((_, index) => isHeldOff(outcomes[index])).map(({ integration }) => integration)
  if (off.length > 0) report.note(`switched off, and left so without --switch-on: ${off.join(', ')}`)
  if (summary.refused > 0) report.note(`${cliFault('flags-refused', '').next}`)
  report.object({ executed, ...(reason === undefined ? {} : { reason }), summary, switched_off: off, left, changes })
}

const isHeldOff = (outcome: Look | Written | undefined): boolean => {
  if (outcome === undefined) return false
  if (outcome.kind === 'same') return !outcome.feature.enabled
  return (outcome.kind === 'differs' || outcome.kind === 'written') && !outcome.after.enabled
}
