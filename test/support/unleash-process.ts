/*
 * A real Unleash server as a process of its own: `npm` brings it, test/support/unleash-server.ts starts it. It ends with
 * the process that started it, however that one ends: the channel between them closes then.
 */

/** What the parent sends, once. */
export interface UnleashOrder {
  readonly databaseUrl: string
  /** 0: any that is free. */
  readonly port: number
  readonly tokens: readonly {
    readonly tokenName: string
    readonly secret: string
    readonly type: 'admin' | 'backend'
    readonly environment: string
  }[]
}

/** What the child answers, once. */
export type UnleashReport = { readonly port: number } | { readonly error: string }

async function serve({ databaseUrl, port, tokens }: UnleashOrder): Promise<UnleashReport> {
  const { ApiTokenType, LogLevel, start } = await import('unleash-server')
  const { server } = await start({
    databaseUrl,
    db: { ssl: false },
    server: { host: '127.0.0.1', port },
    logLevel: LogLevel.fatal,
    versionCheck: { enable: false },
    telemetry: false,
    authentication: {
      initApiTokens: tokens.map(({ type, ...token }) => ({
        ...token,
        projects: ['*'],
        type: type === 'admin' ? ApiTokenType.ADMIN : ApiTokenType.BACKEND,
      })),
    },
  })
  const address = server?.address()
  if (address === null || address === undefined || typeof address === 'string') return { error: 'no port' }
  return { port: address.port }
}

if (process.send) {
  process.once('disconnect', () => process.exit())
  process.once('message', (order: UnleashOrder) => {
    serve(order).then(
      (report) => process.send?.(report),
      (error) => process.send?.({ error: String(error) } satisfies UnleashReport),
    )
  })
}
