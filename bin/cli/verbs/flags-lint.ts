import { type Command, Option } from 'commander'
import { type DocumentFinding, ruleOf } from '../../../flags/lint-document.ts'
import { cliFault } from '../faults.ts'
import { lintFile } from '../lint-file.ts'
import type { Args, Runner, Session } from '../session.ts'
import { readToken } from '../token.ts'
import { CONFIG_OPTION, configFor, TOKEN_OPTION } from './flags-code.ts'

interface LintOptions {
  readonly cohort?: string[]
  readonly admin?: boolean
  readonly config?: string
  readonly unleashTokenFile?: string
}

export const addFlagsLint = (flags: Command, runner: Runner): void => {
  const lint = flags
    .command('lint')
    .description('Find what would surprise the author of the flags.')
    .argument('[file]', 'in the client-features format of Unleash; without it, what the server follows now')
    .addOption(new Option('--cohort <name...>', 'with a file: the cohorts that there are; others are then findings'))
    .option('--admin', 'look at the admin side of Unleash, which shows more than clients see')
    .option(CONFIG_OPTION[0], 'with --admin or a file: the configuration that names integrations, cohorts and Unleash')
    .option(...TOKEN_OPTION)
  runner.bind<LintOptions>(lint, lintFlags)
}

type Found = Pick<DocumentFinding, 'flag' | 'severity' | 'strategy' | 'detail'> & {
  readonly code: string
  readonly rule: string
}

const lintFlags = async (session: Session, { file }: Args, options: LintOptions): Promise<'ok'> => {
  const { report } = session
  if (file !== undefined && options.admin) throw cliFault('usage', 'a file and --admin exclude each other')
  const { origin, findings } = await find(session, file, options)
  for (const { flag, severity, strategy, code, detail, rule } of findings) {
    const place = strategy === null ? '' : ` strategy ${strategy + 1}`
    const level = report.paint(severity === 'error' ? 'red' : 'yellow', severity)
    report.data(`${level} ${flag}${place}: ${code}: ${detail}; ${rule}\n`)
  }
  const errors = findings.filter(({ severity }) => severity === 'error').length
  report.note(`${findings.length} findings, ${errors} of them errors`)
  if (errors > 0) {
    for (const finding of findings) report.note(`${finding.flag}: ${finding.code}`)
    throw cliFault('flags-lint-failed', `${errors} errors in ${origin}`)
  }
  report.object({ ok: true, findings })
  return 'ok'
}

const find = async (
  session: Session,
  file: string | undefined,
  options: LintOptions,
): Promise<{ readonly origin: string; readonly findings: readonly Found[] }> => {
  if (options.admin) return findOnAdminSide(session, options)
  if (file !== undefined) {
    const around = await aroundFile(session, options)
    return { origin: file, findings: (await lintFile(file, around)).map(withRule) }
  }
  const { source, findings } = await session.ops().call('lintFlags', {}, session.io.signal)
  return { origin: source, findings }
}

const withRule = (finding: DocumentFinding): Found => ({ ...finding, rule: ruleOf(finding.code) })

const aroundFile = async (session: Session, { config: path, cohort }: LintOptions) => {
  if (path === undefined) return { cohorts: cohort ?? null, integrations: null, environment: null }
  return surroundings(await configFor(session, path))
}

const surroundings = ({ cohorts, integrations, flags }: Awaited<ReturnType<typeof configFor>>) => ({
  cohorts: cohorts.map(({ name }) => name),
  integrations: Object.keys(integrations),
  environment: flags.environment ?? null,
})

async function findOnAdminSide(session: Session, options: LintOptions) {
  const config = await configFor(session, options.config)
  if (config.flags.source === 'file') throw cliFault('usage', 'the flags are in a file: leave --admin out')
  if (options.unleashTokenFile !== undefined) readToken(options.unleashTokenFile)
  const { lintAdmin } = await import('../../../flags/admin/lint.ts')
  const { adminApiOf } = await import('../../flags/open.ts')
  const api = adminApiOf(config.flags, options.unleashTokenFile)
  return { origin: api.origin, findings: (await lintAdmin(api, surroundings(config))).map(withRule) }
}
