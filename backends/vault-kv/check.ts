import type { Call, IdentityOutcome, StoreProblem } from '../store.ts'
import type { VaultClient } from '../vault/client.ts'
import { CAPABILITIES, dataOf, hasRight, MAY_NOT_ASK } from '../vault/data.ts'
import type { Grant } from '../vault/logins.ts'
import { part, textIn } from './answers.ts'
import { endsWithToken, type VaultKvConfig } from './config.ts'
import type { Engine, Path } from './engine.ts'
import { CUSTOMERS, type PathTemplate, type Step } from './path-template.ts'

export interface CheckParts {
  readonly config: VaultKvConfig
  readonly client: VaultClient
  readonly template: PathTemplate
  readonly engine: Engine
}

const error = (message: string): StoreProblem => ({ level: 'error', message })
const warning = (message: string): StoreProblem => ({ level: 'warning', message })

/** What is asked for: a policy is read for its paths only, so nobody of this name needs to exist. */
const SAMPLE = { integration: 'crossfade-check', customer: 'crossfade-check', name: 'crossfade-check' }

/** The token, the mount, what the token may do there, and settings that change what the store promises. Changes nothing. */
export async function check(parts: CheckParts, call: Call): Promise<readonly StoreProblem[]> {
  const { client, config } = parts
  const login = await client.check(call)
  const grant = await client.grant(call)
  if (grant === null) return login
  const mount = await mountProblems(parts, call)
  if (mount.some(isError)) return [...login, ...mount]
  const writes = endsWithToken(config) ? childProblems(grant) : []
  const late = config.version === 1 && !endsWithToken(config) ? [LATE_WRITES] : []
  const rest = [...(await rightProblems(parts, call)), ...(await settingProblems(parts, call))]
  return [...login, ...mount, ...writes, ...late, ...rest]
}

const isError = ({ level }: StoreProblem): boolean => level === 'error'

/** Each write carries a child of the own token, which not every kind of token can have. */
function childProblems({ type, uses }: Grant): readonly StoreProblem[] {
  const why = type === 'batch' ? 'it is a batch token' : uses > 0 ? 'its uses are counted' : null
  return why === null
    ? []
    : [
        error(
          `${why} (of its role: token_type, token_num_uses), so it can make no children and nothing can be written: use a service token without num_uses, or expiring_tokens: false`,
        ),
      ]
}

const LATE_WRITES = warning(
  'version 1 without expiring_tokens: a write that the network held up may land over a later one; set expiring_tokens',
)

/** What a token may read of a mount below which it may do anything. */
const askMount = (client: VaultClient, mount: string, call: Call) =>
  client.request({ method: 'GET', path: ['sys', 'internal', 'ui', 'mounts', ...mount.split('/')] }, call)

/** A mount has an id from the day it was made, over restores and moves of the server. */
export async function mountIdentity(client: VaultClient, mount: string, call: Call): Promise<IdentityOutcome> {
  const outcome = await askMount(client, mount, call)
  if (outcome.kind === 'failed') {
    const { reason } = outcome.failure
    return reason === 'denied' ? NO_ID : { kind: 'error', reason }
  }
  const data = dataOf(outcome)
  return data === null ? NO_ID : { kind: 'is', id: textIn(data, 'uuid') || null }
}
const NO_ID: IdentityOutcome = { kind: 'is', id: null }

async function mountProblems({ client, config }: CheckParts, call: Call): Promise<readonly StoreProblem[]> {
  const { mount, version } = config
  const outcome = await askMount(client, mount, call)
  if (outcome.kind === 'failed' && outcome.failure.reason !== 'denied')
    return [{ ...error(`the server did not answer: ${outcome.detail}`), passing: true }]
  const data = dataOf(outcome)
  if (data === null) return [error(`no secrets engine at ${mount}, or this token may do nothing below it`)]
  if (data['type'] !== 'kv') return [error(`${mount} is a secrets engine of type ${textIn(data, 'type')}, expected kv`)]
  // Version 1 may say nothing.
  const found = textIn(part(data, 'options'), 'version') || '1'
  return found === String(version)
    ? []
    : [error(`${mount} is version ${found} of kv, but version: ${version} is configured`)]
}

/** Path, one of the rights that are enough, and what it is for. */
type Need = readonly [path: string, rights: readonly string[], purpose: string, level?: StoreProblem['level']]

function needsOf({ config, template, engine }: CheckParts): readonly Need[] {
  const place = template.place(SAMPLE) ?? []
  const at = (...path: readonly string[]): string => [config.mount, ...path].join('/')
  const data = config.version === 2 ? at('data', ...place) : at(...place)
  const names = `${at(...engine.listed, ...template.names(SAMPLE.integration, SAMPLE.customer))}/`
  const customers = `${at(...engine.listed, ...template.customers(SAMPLE.integration))}/`
  const needs: Need[] = [
    [data, ['read'], 'to read a secret'],
    [data, ['create'], 'to write a new secret'],
    [data, ['update'], 'to write a secret that is there'],
    [names, ['list'], 'to list the names of a customer'],
    [customers, ['list'], 'to list customers'],
  ]
  if (config.version === 1) needs.push([data, ['delete'], 'to remove a secret'])
  else
    needs.push(
      [at('delete', ...place), ['update'], 'to remove a secret'],
      [at('metadata', ...place), ['read'], 'to list secrets with their versions'],
    )
  // What lies where no address leads is counted, as far as it may be seen.
  for (const above of aboveCustomers(template.steps(SAMPLE.integration)))
    needs.push([at(...engine.listed, ...above), ['read'], 'to see a secret where the path has a folder', 'warning'])
  if (endsWithToken(config))
    needs.push(['auth/token/create', ['update'], 'to make the tokens that end with a write (expiring_tokens)'])
  return needs
}

/** Each beginning of the path that comes before the customer. */
function aboveCustomers(steps: readonly Step[]): readonly Path[] {
  const fixed = steps.slice(0, steps.indexOf(CUSTOMERS)) as Path
  return fixed.map((_, at) => fixed.slice(0, at + 1))
}

const READING: ReadonlySet<string> = new Set(['read', 'list'])

async function rightProblems(parts: CheckParts, call: Call): Promise<readonly StoreProblem[]> {
  const needs = needsOf(parts)
  const paths = [...new Set(needs.map(([path]) => path))]
  const body = JSON.stringify({ paths })
  const granted = dataOf(await parts.client.request({ method: 'POST', path: CAPABILITIES, body }, call))
  if (granted === null) return [MAY_NOT_ASK]
  return needs.flatMap(([path, rights, purpose, level = 'error']): readonly StoreProblem[] => {
    if (hasRight(granted, path, rights)) return []
    const problem = { level, message: `the policy of this token lacks ${rights.join(' or ')} on ${path}, ${purpose}` }
    return [rights.some((right) => READING.has(right)) ? problem : { ...problem, stops: 'writes' }]
  })
}

/** Settings of a mount that remove what is stored. */
async function settingProblems({ client, config }: CheckParts, call: Call): Promise<readonly StoreProblem[]> {
  if (config.version === 1) return []
  const outcome = await client.request({ method: 'GET', path: [...config.mount.split('/'), 'config'] }, call)
  const data = dataOf(outcome)
  const after = data === null ? '0s' : textIn(data, 'delete_version_after')
  if (after === '' || after === '0s') return []
  return [warning(`${config.mount} deletes each version ${after} after it was written (delete_version_after)`)]
}
