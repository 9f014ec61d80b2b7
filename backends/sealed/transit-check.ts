import type { Call, StoreProblem } from '../store.ts'
import type { VaultClient } from '../vault/client.ts'
import type { VaultOutcome } from '../vault/request.ts'

/** What a token must be able to do, and what it lacks otherwise. */
const NEEDED = [
  { path: ['encrypt'], any: ['update'], level: 'error', lacks: 'nothing can be written' },
  { path: ['decrypt'], any: ['update'], level: 'error', lacks: 'nothing can be read' },
  { path: ['keys'], any: ['update', 'create'], level: 'error', lacks: 'no new customer can be written' },
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
  if (login.length > 0) return login
  const engine = await client.request({ method: 'GET', path: ['sys', 'internal', 'ui', 'mounts', ...mount] }, call)
  if (fieldsOf(engine)?.['type'] !== 'transit') return [error(engineProblem(engine, mount.join('/')))]
  const paths = NEEDED.map(({ path }) => [...mount, ...path, key].join('/'))
  const body = JSON.stringify({ paths })
  const answer = await client.request({ method: 'POST', path: ['sys', 'capabilities-self'], body }, call)
  const granted = fieldsOf(answer)
  if (!granted) return [{ level: 'warning', message: 'the token may not ask what it may do (sys/capabilities-self)' }]
  return NEEDED.flatMap(({ any, level, lacks }, at): readonly StoreProblem[] => {
    const has = granted[paths[at] as string]
    const may = Array.isArray(has) && ['root', ...any].some((word) => has.includes(word))
    return may ? [] : [{ level, message: `the token may not ${any.join(' or ')} ${paths[at]}: ${lacks}` }]
  })
}

const error = (message: string): StoreProblem => ({ level: 'error', message })

const engineProblem = (outcome: VaultOutcome, mount: string): string =>
  outcome.kind === 'failed' && outcome.failure.reason !== 'denied'
    ? `the server did not answer: ${outcome.detail}`
    : `there is no transit engine at ${mount}, or the token may use nothing in it`

function fieldsOf(outcome: VaultOutcome): Readonly<Record<string, unknown>> | null {
  if (outcome.kind === 'failed' || outcome.status !== 200) return null
  try {
    const { data } = JSON.parse(outcome.body.toString('utf8')) as { data?: Record<string, unknown> }
    return data ?? null
  } catch {
    return null
  }
}
