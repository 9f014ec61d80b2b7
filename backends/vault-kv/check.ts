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
  /** Those that it is a side of. */
  readonly integrations: readonly string[]
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
  if (why === null) return []
  const message = `${why} (of its role: token_type, token_num_uses), so it can make no children and nothing can be written: use a service token without num_uses, or expiring_tokens: false`
  return [{ ...error(message), stops: 'writes' }]
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

interface Need {
  readonly path: string
  /** One of them is enough. */
  readonly rights: readonly string[]
  readonly purpose: string
  /** What a lack of it spoils: `listing` nothing that is served, which says so itself. */
  readonly spoils: 'all' | 'writes' | 'listing' | 'counting'
}

function needsOf({ config, template, engine }: CheckParts, integration: string): readonly Need[] {
  const place = template.place({ ...SAMPLE, integration }) ?? []
  const at = (...path: readonly string[]): string => [config.mount, ...path].join('/')
  const data = config.version === 2 ? at('data', ...place) : at(...place)
  const names = `${at(...engine.listed, ...template.names(integration, SAMPLE.customer))}/`
  const customers = `${at(...engine.listed, ...template.customers(integration))}/`
  const need = (spoils: Need['spoils'], path: string, right: string, purpose: string): Need => ({
    ...{ spoils, path, purpose },
    rights: [right],
  })
  return [
    need('all', data, 'read', 'to read a secret'),
    need('writes', data, 'create', 'to write a new secret'),
    need('writes', data, 'update', 'to write a secret that is there'),
    need('listing', names, 'list', 'to list the names of a customer'),
    need('listing', customers, 'list', 'to list customers'),
    ...(config.version === 1
      ? [need('writes', data, 'delete', 'to remove a secret')]
      : [
          need('writes', at('delete', ...place), 'update', 'to remove a secret'),
          need('listing', at('metadata', ...place), 'read', 'to list secrets with their versions'),
        ]),
    // What lies where no address leads is counted, as far as it may be seen.
    ...aboveCustomers(template.steps(integration)).map((above) =>
      need('counting', at(...engine.listed, ...above), 'read', 'to see a secret where the path has a folder'),
    ),
    ...(endsWithToken(config)
      ? [need('writes', 'auth/token/create', 'update', 'to make the tokens that end with a write (expiring_tokens)')]
      : []),
  ]
}

/** Each beginning of the path that comes before the customer. */
function aboveCustomers(steps: readonly Step[]): readonly Path[] {
  const fixed = steps.slice(0, steps.indexOf(CUSTOMERS)) as Path
  return fixed.map((_, at) => fixed.slice(0, at + 1))
}

/** As many integrations are asked for: the server takes so many strings in one request. */
const MOST_ASKED = 40

async function rightProblems(parts: CheckParts, call: Call): Promise<readonly StoreProblem[]> {
  const integrations = parts.integrations.length === 0 ? [SAMPLE.integration] : parts.integrations.slice(0, MOST_ASKED)
  const needs = integrations.flatMap((integration) => needsOf(parts, integration))
  const paths = [...new Set(needs.map(({ path }) => path))]
  const body = JSON.stringify({ paths })
  const granted = dataOf(await parts.client.request({ method: 'POST', path: CAPABILITIES, body }, call))
  if (granted === null) return [MAY_NOT_ASK]
  return [...Map.groupBy(needs, ({ purpose }) => purpose).values()].flatMap((same): readonly StoreProblem[] => {
    const lacking = same.filter(({ path, rights }) => !hasRight(granted, path, rights))
    const [first] = lacking
    return first === undefined ? [] : [lackOf(first, lacking.length - 1, lacking.length === same.length)]
  })
}

/** `isOfAll`: of every integration that was asked for. What only some of them lack must not stop the others. */
function lackOf({ path, rights, purpose, spoils }: Need, more: number, isOfAll: boolean): StoreProblem {
  const others = more === 0 ? '' : ` (and of ${more} more)`
  const message = `the policy of this token lacks ${rights.join(' or ')} on ${path}${others}, ${purpose}`
  if (spoils === 'counting') return warning(message)
  if (!isOfAll || spoils === 'listing') return { ...error(message), passing: true }
  return spoils === 'writes' ? { ...error(message), stops: 'writes' } : error(message)
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
