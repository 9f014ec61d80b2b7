import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { type Feature, featureSchema, type Strategy } from '../definition.ts'
import { flagsFault } from '../faults.ts'
import type { HeldStrategy } from './plan.ts'

/*
 * As much of the admin API of Unleash as writing ladders needs (measured on 7.5.1). It has no If-Match: who writes reads
 * just before and just after. With an admin token the server's audit names the token, with a personal one the human.
 */

export interface AdminOptions {
  /** The API of the server, for example https://unleash:4242/api */
  readonly url: string
  /** Read anew for each request, so that a rotated token needs no restart. */
  readonly tokenFile: string
  readonly project: string
  readonly environment: string
}

/** A flag as the admin side holds it, in the one environment. */
export interface HeldFlag {
  readonly enabled: boolean
  readonly description: string
  readonly impressionData: boolean
  /** In the server's order; switched-off ones too. */
  readonly strategies: readonly HeldStrategy[]
  readonly variants: Feature['variants']
  readonly dependencies: Feature['dependencies']
}

const heldSchema = z.looseObject({
  impressionData: z.boolean().nullish(),
  description: z.string().nullish(),
  dependencies: featureSchema.shape.dependencies,
  environments: z.array(
    z.looseObject({
      name: z.string(),
      enabled: z.boolean(),
      variants: featureSchema.shape.variants,
      strategies: z
        .array(
          featureSchema.shape.strategies.element.extend({
            id: z.string(),
            disabled: z
              .boolean()
              .nullish()
              .transform((disabled) => disabled ?? false),
            sortOrder: z.number().nullish(),
          }),
        )
        .default([]),
    }),
  ),
})

const errorSchema = z.looseObject({
  message: z.string().optional(),
  details: z.array(z.looseObject({ message: z.string().optional() })).optional(),
})

const eventsSchema = z.looseObject({
  events: z.array(
    z.looseObject({ type: z.string(), createdBy: z.string().nullish(), createdAt: z.string().nullish() }),
  ),
})
export type FlagEvent = z.output<typeof eventsSchema>['events'][number]

const BATCH = '/features-batch'
const TIMEOUT = 15_000
const LONGEST = 300

export type AdminApi = ReturnType<typeof makeAdminApi>

export const makeAdminApi = (options: AdminOptions) => {
  const base = `${options.url.replace(/\/+$/, '')}/admin`
  const projectPath = `/projects/${encodeURIComponent(options.project)}`
  const at = (flag: string): string => `${projectPath}/features/${encodeURIComponent(flag)}`
  const here = (flag: string): string => `${at(flag)}/environments/${encodeURIComponent(options.environment)}`
  const strategyAt = (flag: string, id: string): string => `${here(flag)}/strategies/${encodeURIComponent(id)}`

  const request = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const token = await readToken(options.tokenFile)
    const sent = {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT),
      headers: { authorization: token, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    } as const
    const response = await fetch(base + path, sent).catch((cause: unknown) => {
      throw flagsFault('flag-server-unreachable', `${base}: ${reasonOf(cause)}`, { cause })
    })
    const text = await response.text()
    if (response.ok) return parseJson(text)
    throw refusal(response.status, `${method} ${path}: ${said(text)}`)
  }

  /** null where the server says that there is none. */
  const find = async (path: string): Promise<unknown> =>
    request('GET', path).catch((error: { code?: string }) => {
      if (error.code === 'flag-server-lacks') return null
      throw error
    })

  return {
    origin: options.url,
    project: options.project,
    environment: options.environment,
    request,
    find,
    isPersonal: async (): Promise<boolean> => (await readToken(options.tokenFile)).startsWith('user:'),
    /** null: there is no such flag in the project; an archived one does not show. */
    flag: async (name: string): Promise<HeldFlag | null> => {
      const answer = await find(at(name))
      return answer === null ? null : heldIn(name, answer, options)
    },
    makeFlag: (name: string, description: string) =>
      request('POST', `${projectPath}/features`, { name, type: 'release', description, impressionData: false }),
    /** A whole flag in one transaction, switched on; only personal tokens may. */
    importFlag: (name: string, description: string, strategies: readonly Strategy[]) =>
      request('POST', `${BATCH}/import`, {
        project: options.project,
        environment: options.environment,
        data: {
          features: [{ name, type: 'release', description, impressionData: false, project: options.project }],
          featureStrategies: strategies.map((strategy, index) => ({
            ...bodyOf(strategy),
            featureName: name,
            sortOrder: index,
          })),
          featureEnvironments: [
            { name, featureName: name, environment: options.environment, enabled: true, variants: [] },
          ],
          contextFields: [],
          featureTags: [],
          segments: [],
          tagTypes: [],
        },
      }),
    patchFlag: (name: string, key: string, value: unknown) =>
      request('PATCH', at(name), [{ op: 'add', path: `/${key}`, value }]),
    clearVariants: (name: string) => request('PUT', `${here(name)}/variants`, []),
    removeParents: (name: string) => request('DELETE', `${at(name)}/dependencies`),
    switchTo: (name: string, enabled: boolean) => request('POST', `${here(name)}/${enabled ? 'on' : 'off'}`),
    addStrategy: async (name: string, strategy: Strategy): Promise<string> => {
      const made = await request('POST', `${here(name)}/strategies`, bodyOf(strategy))
      return z.object({ id: z.string() }).parse(made).id
    },
    changeStrategy: (name: string, id: string, { title, parameters, variants }: Strategy) =>
      request('PATCH', strategyAt(name, id), [
        { op: 'add', path: '/title', value: title ?? '' },
        { op: 'add', path: '/parameters', value: parameters },
        { op: 'add', path: '/variants', value: variants },
      ]),
    removeStrategy: (name: string, id: string) => request('DELETE', strategyAt(name, id)),
    orderStrategies: (name: string, ids: readonly string[]) =>
      request(
        'POST',
        `${here(name)}/strategies/set-sort-order`,
        ids.map((id, sortOrder) => ({ id, sortOrder })),
      ),
    /** The newest event of a flag of this name; the server's audit outlives the flag. null: there never was one. */
    lastEvent: async (name: string): Promise<FlagEvent | null> => {
      const found = await request('GET', `/search/events?feature=IS:${encodeURIComponent(name)}&limit=1`)
      return eventsSchema.parse(found).events[0] ?? null
    },
    hasContextField: async (name: string): Promise<boolean> =>
      (await find(`/context/${encodeURIComponent(name)}`)) !== null,
    addContextField: (name: string, description: string, stickiness: boolean) =>
      request('POST', '/context', { name, description, stickiness }),
  }
}

const bodyOf = ({ name, title, parameters, constraints, segments, variants }: Strategy): object => ({
  name,
  ...(title ? { title } : {}),
  parameters,
  constraints,
  segments,
  variants,
})

function heldIn(name: string, answer: unknown, { environment, project }: AdminOptions): HeldFlag {
  const parsed = heldSchema.safeParse(answer)
  if (!parsed.success) throw flagsFault('flag-server-not-understood', `${name}: ${parsed.error.issues[0]?.message}`)
  const { description, impressionData, dependencies, environments } = parsed.data
  const here = environments.find((candidate) => candidate.name === environment)
  if (here === undefined)
    throw flagsFault('flag-server-refused', `project ${project} has no environment ${environment}: add it there`)
  // The server hands them out in the order of their numbers; equal numbers in no promised one.
  const strategies = here.strategies.toSorted((a, b) => (a.sortOrder ?? 0) - (b.sortOrder ?? 0))
  return {
    enabled: here.enabled,
    description: description ?? '',
    impressionData: impressionData ?? false,
    strategies: strategies.map(({ sortOrder: _, ...strategy }) => strategy),
    variants: here.variants,
    dependencies,
  }
}

async function readToken(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw flagsFault('flag-token-unreadable', path, { cause })
  })
  return text.trim()
}

const refusal = (status: number, detail: string) => {
  if (status === 401) return flagsFault('flag-token-refused', detail)
  if (status === 403) return flagsFault('flag-token-refused', detail)
  if (status === 404) return flagsFault('flag-server-lacks', detail)
  return flagsFault(status >= 500 ? 'flag-server-unreachable' : 'flag-server-refused', `${detail} (${status})`)
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The server's own words, shortened; it quotes no token. */
function said(text: string): string {
  const { success, data } = errorSchema.safeParse(parseJson(text))
  const words = success ? (data.details?.[0]?.message ?? data.message) : undefined
  return (words ?? 'no reason given').replaceAll(/\s+/g, ' ').slice(0, LONGEST)
}

const reasonOf = (error: unknown): string => {
  const { name, cause } = error as { name?: string; cause?: NodeJS.ErrnoException }
  return name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? cause?.message ?? 'no connection')
}
