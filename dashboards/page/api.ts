/** A refusal, as the server words it. */
export interface Problem {
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly next: string
}

export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly problem: Problem }

const PREFIX = '/api/v1/ops'

/** One call of the operators' API. Never rejects: what does not answer is a problem, too. */
export async function call<T>(token: string, method: 'GET' | 'POST', path: string, body?: object): Promise<Answer<T>> {
  try {
    const response = await fetch(PREFIX + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) return { kind: 'refused', problem: await problemOf(response) }
    return { kind: 'ok', value: (await response.json()) as T }
  } catch {
    return { kind: 'refused', problem: NO_ANSWER }
  }
}

const NO_ANSWER: Problem = {
  code: 'no-answer',
  title: 'The server does not answer',
  detail: 'Nobody knows whether it was done.',
  next: 'Look at the phases below, and try again.',
}

export async function problemOf(response: Response): Promise<Problem> {
  const said = (await response.json().catch(() => ({}))) as Partial<Problem>
  return {
    code: said.code ?? String(response.status),
    title: said.title ?? `The server answered ${response.status}`,
    detail: said.detail ?? '',
    next: said.next ?? '',
  }
}
