import { OPS_PREFIX, OPS_ROUTES, type OpsAnswer, type OpsCall, type OpsName } from '../../proxy/ops/api.ts'
import { cliFault } from './faults.ts'
import { readAnswer, type Send } from './http.ts'

type Given<N extends OpsName> = Partial<OpsCall<N>>

/** The operators' API, typed by its own table of routes. Rejects with the server's faults. */
export interface OpsClient {
  call<N extends OpsName>(name: N, input: Given<N>, signal?: AbortSignal): Promise<OpsAnswer<N>>
}

export const makeOpsClient = (send: Send): OpsClient => ({
  call: async (name, input, signal) => {
    const route = OPS_ROUTES[name]
    const path = OPS_PREFIX + fill(route.path, input.params ?? {}) + search(input.query ?? {})
    const response = await send({
      method: route.method,
      path,
      ...(route.body === null
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(input.body ?? {}) }),
      ...(signal === undefined ? {} : { signal }),
    })
    return (await readAnswer(response, route.answer)) as OpsAnswer<typeof name>
  },
})

const fill = (path: string, params: Readonly<Record<string, unknown>>): string =>
  path.replace(/\{(\w+)\}/g, (_whole, name: string) => segmentOf(name, String(params[name])))

/** `fetch` takes dot segments out of a path, encoded or not: it would be another call. */
function segmentOf(name: string, value: string): string {
  if (value === '' || value === '.' || value === '..') throw cliFault('usage', `${name} cannot be ${value || 'empty'}`)
  return encodeURIComponent(value)
}

const search = (query: Readonly<Record<string, unknown>>): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const text = new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}
