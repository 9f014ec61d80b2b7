import { useState } from 'preact/hooks'
import type { Problem } from './api.ts'
import { Field, ProblemBox } from './parts.tsx'

interface LoginProps {
  readonly problem: Problem | null
  readonly onToken: (token: string) => Promise<void>
}

/** No form: a browser that sent one, for whatever reason, would put the token into a URL. */
export function Login({ problem, onToken }: LoginProps) {
  const [token, setToken] = useState('')
  const enter = (): void => {
    if (token.trim() !== '') void onToken(token.trim())
  }
  return (
    <main class="login" aria-labelledby="login-title">
      <h1 id="login-title">Crossfade</h1>
      <p>
        Phases, differences, debts and replicas as they are now. A viewer's token may look, an operator's may roll back
        and set phases.
      </p>
      <Field label="Token" hint="Kept for this tab only, until it is closed.">
        <input
          type="password"
          autoComplete="off"
          spellcheck={false}
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Enter' && enter()}
        />
      </Field>
      <button type="button" class="strong" onClick={enter}>
        Look
      </button>
      {problem === null ? null : <ProblemBox problem={problem} />}
    </main>
  )
}
