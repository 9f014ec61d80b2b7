import { readFile } from 'node:fs/promises'
import { isFault } from '../../core/fault.ts'
import { makeAdminApi } from '../../flags/admin/api.ts'
import type { UnleashSourceConfig } from '../../flags/config.ts'
import type { CheckResult } from './check.ts'
import type { CrossfadeConfig } from './schema.ts'

const PATIENCE_MS = 5000

/** The flag server answers for the configured environment, and its admin side lets the token look. Nothing is changed. */
export async function flagChecks({ flags }: CrossfadeConfig): Promise<readonly CheckResult[]> {
  if (flags.source !== 'unleash') return []
  return Promise.all([askClientSide(flags), askAdminSide(flags)])
}

const result = (subject: string, level: CheckResult['level'], message: string): CheckResult => ({
  subject,
  level,
  message,
})

async function askClientSide({ url, token_file, environment }: UnleashSourceConfig): Promise<CheckResult> {
  const subject = 'flags'
  const { host } = new URL(url)
  try {
    const token = (await readFile(token_file, 'utf8')).trim()
    const response = await fetch(`${url.replace(/\/+$/, '')}/client/features?namePrefix=crossfade.`, {
      headers: { authorization: token, 'unleash-client-spec': '5.2.0' },
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    if (response.status === 401 || response.status === 403)
      return result(subject, 'problem', `${host}: the token is refused: check token_file`)
    if (!response.ok) return result(subject, 'problem', `${host}: it answers ${response.status}`)
    const { query } = (await response.json()) as { query?: { environment?: string } }
    if (query?.environment === environment) return result(subject, 'ok', `${host}: it answers for ${environment}`)
    return result(subject, 'problem', `${host}: the token is of environment ${query?.environment}, not ${environment}`)
  } catch {
    // What failed could quote what it was given.
    return result(subject, 'problem', `${host}: no answer`)
  }
}

async function askAdminSide({ url, environment, admin }: UnleashSourceConfig): Promise<CheckResult> {
  const subject = 'flags.admin'
  if (admin === undefined)
    return result(subject, 'warning', 'not configured: flags set wants a personal token (--unleash-token-file)')
  const { project } = admin
  const api = makeAdminApi({ url: admin.url ?? url, tokenFile: admin.token_file, project, environment })
  try {
    const found = (await api.request('GET', `/projects/${encodeURIComponent(project)}/overview`)) as {
      environments?: readonly { environment?: string }[]
    } | null
    const environments = (found?.environments ?? []).map((entry) => entry.environment)
    if (environments.includes(environment)) return result(subject, 'ok', `project ${project}: it answers`)
    return result(subject, 'problem', `project ${project} has no environment ${environment}: add it in Unleash`)
  } catch (error) {
    return result(subject, 'problem', isFault(error) ? `${error.title}: ${error.detail}` : 'no answer')
  }
}
