import type { StoreProblem } from '../store.ts'
import { CAPABILITIES, dataOf, hasRight } from './data.ts'
import type { Held } from './identity.ts'
import type { Login } from './logins.ts'
import type { VaultOutcome, VaultRequest } from './request.ts'

/**
 * What the own token lacks to live long: the rights about itself, which the policy `default` gives and a role without it
 * does not, and uses. Without them it works, but nobody can be told as well what is wrong when it does not.
 */
export async function checkToken(
  { grant }: Held,
  login: Login,
  ask: (request: VaultRequest) => Promise<VaultOutcome>,
): Promise<readonly StoreProblem[]> {
  const fromFile = login.changed !== null
  const paths = Object.keys(OWN_RIGHTS)
  const body = JSON.stringify({ paths })
  const seen = await ask({ method: 'GET', path: LOOK_UP.split('/') })
  const granted = dataOf(await ask({ method: 'POST', path: CAPABILITIES, body }))
  const lacks: StoreProblem[] = []
  if (isDenied(seen)) lacks.push(lacksRight(LOOK_UP))
  // A batch token is never renewed.
  if (grant.renewable && granted && !hasRight(granted, RENEW, ['update'])) lacks.push(lacksRight(RENEW))
  return [...lacks, ...lifeProblems(grant, fromFile)]
}

const LOOK_UP = 'auth/token/lookup-self'
const RENEW = 'auth/token/renew-self'

/** Path, the right, and what is worse without it. */
const OWN_RIGHTS = {
  [LOOK_UP]: ['read', 'how long it lasts is not known, nor whether a refusal is about the token'],
  [RENEW]: ['update', 'it is not renewed: a new login takes its place, and a token from a file ends'],
} as const satisfies Readonly<Record<string, readonly [right: string, without: string]>>

function lacksRight(path: keyof typeof OWN_RIGHTS): StoreProblem {
  const [right, without] = OWN_RIGHTS[path]
  const cure = `path "${path}" { capabilities = ["${right}"] }`
  return { level: 'warning', message: `the policy of this token lacks ${right} on ${path}: ${without}; add ${cure}` }
}

function lifeProblems({ type, uses, ttl }: Held['grant'], fromFile: boolean): readonly StoreProblem[] {
  const problems: StoreProblem[] = []
  if (uses > 0) {
    const message = `this token ends after ${uses} more requests (num_uses): use one without such a limit`
    problems.push({ level: 'warning', message })
  }
  if (type === 'batch' && fromFile && ttl !== null) {
    const message = `this is a batch token, which is never renewed: it ends in ${Math.round(ttl / 1000)} s, unless its file changes before`
    problems.push({ level: 'warning', message })
  }
  return problems
}

const isDenied = (outcome: VaultOutcome): boolean => outcome.kind === 'failed' && outcome.failure.reason === 'denied'
