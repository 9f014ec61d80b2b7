import type { Constraint, Feature, Strategy } from '../../flags/definition.ts'

/** One operation of a JSON Patch. */
export interface Patch {
  readonly op: 'replace' | 'add' | 'remove'
  readonly path: string
  readonly value?: unknown
}

/** What a test needs of the admin API of Unleash 7, in the project `default`; every refusal is an error with its text. */
export interface UnleashAdmin {
  /** Any request; the path begins with /api. The parsed answer, null where there is none. */
  request(method: string, path: string, body?: unknown): Promise<unknown>
  addContextField(name: string): Promise<void>
  addSegment(name: string, constraints: readonly Constraint[]): Promise<number>
  /** A flag without strategies, switched off everywhere. */
  addFlag(name: string, more?: { readonly type?: string; readonly impressionData?: boolean }): Promise<void>
  /** At the end of the flag's list; the strategy's id. */
  addStrategy(
    flag: string,
    strategy: Partial<Strategy> & { readonly name: string },
    environment?: string,
  ): Promise<string>
  patchStrategy(flag: string, strategy: string, patches: readonly Patch[], environment?: string): Promise<void>
  removeStrategy(flag: string, strategy: string, environment?: string): Promise<void>
  /** The flag's strategies as the server holds them, in its order. */
  strategies(flag: string, environment?: string): Promise<readonly (Strategy & { readonly id: string })[]>
  addParent(child: string, parent: string, enabled?: boolean): Promise<void>
  turn(flag: string, state: 'on' | 'off', environment?: string): Promise<void>
  /** Takes it out of every answer to clients. */
  archive(flag: string): Promise<void>
  /** The whole flag as `feature` says, switched on if it says so: made, or its strategies replaced. Their ids. */
  put(feature: Feature, environment?: string): Promise<readonly string[]>
}

const PROJECT = '/api/admin/projects/default'
const DEFAULT = 'development'

export function makeUnleashAdmin(origin: string, token: string): UnleashAdmin {
  const request = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const headers = { authorization: token, 'content-type': 'application/json' }
    const sent = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
    const response = await fetch(`${origin}${path}`, sent)
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : null
  }
  const flagAt = (flag: string) => `${PROJECT}/features/${encodeURIComponent(flag)}`
  const inEnvironment = (flag: string, environment: string) => `${flagAt(flag)}/environments/${environment}`
  const addStrategy: UnleashAdmin['addStrategy'] = async (flag, strategy, environment = DEFAULT) => {
    const { title, ...rest } = strategy
    const body = title === null || title === undefined ? rest : { ...rest, title }
    const made = await request('POST', `${inEnvironment(flag, environment)}/strategies`, body)
    return (made as { id: string }).id
  }
  const admin: UnleashAdmin = {
    request,
    addStrategy,
    addContextField: async (name) => {
      await request('POST', '/api/admin/context', { name, stickiness: true })
    },
    addSegment: async (name, constraints) => {
      const made = await request('POST', '/api/admin/segments', { name, constraints })
      return (made as { id: number }).id
    },
    addFlag: async (name, { type = 'release', impressionData = false } = {}) => {
      await request('POST', `${PROJECT}/features`, { name, type, impressionData })
    },
    patchStrategy: async (flag, strategy, patches, environment = DEFAULT) => {
      await request('PATCH', `${inEnvironment(flag, environment)}/strategies/${strategy}`, patches)
    },
    removeStrategy: async (flag, strategy, environment = DEFAULT) => {
      await request('DELETE', `${inEnvironment(flag, environment)}/strategies/${strategy}`)
    },
    strategies: async (flag, environment = DEFAULT) =>
      (await request('GET', `${inEnvironment(flag, environment)}/strategies`)) as (Strategy & { id: string })[],
    addParent: async (child, parent, enabled = true) => {
      await request('POST', `${flagAt(child)}/dependencies`, { feature: parent, enabled })
    },
    turn: async (flag, state, environment = DEFAULT) => {
      await request('POST', `${inEnvironment(flag, environment)}/${state}`)
    },
    archive: async (flag) => {
      await request('DELETE', flagAt(flag))
    },
    put: async (feature, environment = DEFAULT) => {
      const known = await request('GET', flagAt(feature.name)).then(
        () => true,
        () => false,
      )
      if (!known) await admin.addFlag(feature.name)
      for (const { id } of await admin.strategies(feature.name, environment)) {
        await admin.removeStrategy(feature.name, id, environment)
      }
      const ids: string[] = []
      for (const strategy of feature.strategies) ids.push(await addStrategy(feature.name, strategy, environment))
      await admin.turn(feature.name, feature.enabled ? 'on' : 'off', environment)
      return ids
    },
  }
  return admin
}
