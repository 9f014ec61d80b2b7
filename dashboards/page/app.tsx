import { useEffect, useRef, useState } from 'preact/hooks'
import type { OpsAnswer } from '../../proxy/ops/api.ts'
import { call, type Problem } from './api.ts'
import { Login } from './login.tsx'
import { changesOf, NO_PICTURE, type Picture, withLook } from './picture.ts'
import { SCREENS, screenOf } from './screens.tsx'
import { forgetToken, keepToken, keptToken } from './session.ts'
import { type Connection, watch } from './stream.ts'
import { timeOf } from './words.ts'

/** Who uses the page. */
export interface User {
  readonly token: string
  readonly name: string
  readonly mayOperate: boolean
}

export function App() {
  const [user, setUser] = useState<User | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)

  const enter = async (token: string): Promise<void> => {
    const answer = await call<OpsAnswer<'whoami'>>(token, 'GET', '/whoami')
    if (answer.kind === 'refused') {
      forgetToken()
      setProblem(answer.problem)
      return
    }
    keepToken(token)
    setProblem(null)
    setUser({ token, name: answer.value.name, mayOperate: answer.value.may.includes('operate') })
  }
  // once, for a tab that is loaded again
  useEffect(() => {
    const kept = keptToken()
    if (kept !== null) void enter(kept)
  }, [])
  const leave = (why: Problem | null): void => {
    forgetToken()
    setProblem(why)
    setUser(null)
  }

  return user === null ? <Login problem={problem} onToken={enter} /> : <Watching user={user} onLeave={leave} />
}

function Watching({ user, onLeave }: { user: User; onLeave: (why: Problem | null) => void }) {
  const { picture, connection, said } = useLive(user.token, onLeave)
  const path = useHash()
  const { title, Screen } = screenOf(path)
  const main = useRef<HTMLElement>(null)
  useEffect(() => {
    document.title = `${title} - Crossfade`
  }, [title])
  const openScreen = (): void => main.current?.focus({ preventScroll: true })

  return (
    <>
      <button type="button" class="skip" onClick={openScreen}>
        Skip to the screen
      </button>
      <header class="top">
        <h1>Crossfade</h1>
        <Light picture={picture} connection={connection} />
        <p class="user">
          {user.name}, {user.mayOperate ? 'operator' : 'viewer'}{' '}
          <button type="button" onClick={() => onLeave(null)}>
            Forget the token
          </button>
        </p>
      </header>
      <nav aria-label="Screens">
        <ul>
          {SCREENS.map((screen) => (
            <li key={screen.path}>
              <a
                href={screen.path}
                aria-current={screen.title === title ? 'page' : undefined}
                onClick={() => setTimeout(openScreen)}
              >
                {screen.title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" tabIndex={-1} ref={main} aria-labelledby="title">
        <h2 id="title">{title}</h2>
        <Screen picture={picture} user={user} />
      </main>
      <p role="status" class="unseen">
        {said}
      </p>
    </>
  )
}

/** Whether what is shown is what is. */
function Light({ picture, connection }: { picture: Picture; connection: Connection }) {
  const stale = picture.flags?.stale === true
  const waits = picture.caps?.durable === false
  return (
    <div class="light">
      <p role="status" class={`connection connection-${connection.kind}`}>
        {WORDS[connection.kind]}
      </p>
      {picture.unknown.length === 0 ? null : (
        <p role="alert">Not known just now, so what is shown may be old: {picture.unknown.join(', ')}.</p>
      )}
      {stale ? <p role="alert">The flags are stale: their source does not answer.</p> : null}
      {waits ? <p role="alert">A rollback waits for the ledger; it holds meanwhile.</p> : null}
      {connection.kind === 'lost' && picture.at !== null ? <p>Last heard {timeOf(picture.at)}.</p> : null}
    </div>
  )
}

const WORDS = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Not connected: trying again',
  refused: 'Refused',
} as const

/** One change of what is shown for each look of the server, however many lines it had. */
function useLive(token: string, onLeave: (why: Problem) => void) {
  const [live, setLive] = useState({ picture: NO_PICTURE, said: '' })
  const [connection, setConnection] = useState<Connection>({ kind: 'connecting' })
  // a connection for each token, not for each drawing
  useEffect(() => {
    const stopping = new AbortController()
    void watch({
      token,
      signal: stopping.signal,
      onLook: (messages, whole) =>
        setLive(({ picture: before, said }) => {
          const picture = withLook(before, messages, whole)
          return { picture, said: changesOf(before, picture).join(' ') || said }
        }),
      onConnection: (now) => {
        setConnection((before) => (before.kind === now.kind ? before : now))
        if (now.kind === 'refused') onLeave(now.problem)
      },
    })
    return () => stopping.abort()
  }, [token])
  return { ...live, connection }
}

function useHash(): string {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const hear = (): void => setHash(location.hash)
    addEventListener('hashchange', hear)
    return () => removeEventListener('hashchange', hear)
  }, [])
  return hash
}
