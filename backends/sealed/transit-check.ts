import type { Call, StoreProblem } from '../store.ts'
import type { VaultClient } from '../vault/client.ts'
import { CAPABILITIES, dataOf, hasRight, MAY_NOT_ASK } from '../vault/data.ts'
import type { VaultOutcome } from '../vault/request.ts'

/** What a token must be able to do, and what it lacks otherwise. */
const NEEDED = [
  { path: ['encrypt'], any: ['update'], level: 'error', stops: 'writes', lacks: 'nothing can be written' },
  { path: ['decrypt'], any: ['update'], level: 'error', lacks: 'nothing can be read' },
  {
    path: ['keys'],
    any: ['update', 'create'],
    level: 'error',
    // Customers who have a key are served as ever.
    passing: true,
    lacks: 'no new customer can be written',
  },
  {
    path: ['keys'],
    any: ['read'],
    level: 'warning',
    lacks: 'a key that is gone cannot be told from one that is denied',
  },
  { path: ['rewrap'], any: ['update'], level: 'warning', lacks: 'keys cannot be exchanged for newer ones' },
] as const

/** The login works, the engine is there, and the token may do what the store does. Changes nothing. */
export async function checkTransit(
  client: VaultClient,
  mount: readonly string[],
  key: string,
  call: Call,
): Promise<readonly StoreProblem[]> {
  const login = await client.check(call)
  if ((await client.grant(call)) === null) return login
  const engine = await client.request({ method: 'GET', path: ['sys', 'internal', 'ui', 'mounts', ...mount] }, call)
  if (dataOf(engine)?.['type'] !== 'transit') return [...login, engineProblem(engine, mount.join('/'))]
  const needed = NEEDED.map(({ path, ...need }) => ({ ...need, path: [...mount, ...path, key].join('/') }))
  const body = JSON.stringify({ paths: needed.map(({ path }) => path) })
  const granted = dataOf(await client.request({ method: 'POST', path: CAPABILITIES, body }, call))
  if (!granted) return [...login, MAY_NOT_ASK]
  const lacking = needed.flatMap(({ path, any, lacks, ...problem }): readonly StoreProblem[] =>
    hasRight(granted, path, any)
      ? []
      : [{ ...problem, message: `the token may not ${any.join(' or ')} ${path}: ${lacks}` }],
  )
  return [...login, ...lacking]
}

const error = (message: string): StoreProblem => ({ level: 'error', message })

const engineProblem = (outcome: VaultOutcome, mount: string): StoreProblem =>
  outcome.kind === 'failed' && outcome.failure.reason !== 'denied'
    ? { ...error(`the server did not answer: ${outcome.detail}`), passing: true }
    : error(`there is no transit engine at ${mount}, or the token may use nothing in it`)
