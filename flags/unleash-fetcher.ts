import { readFile } from 'node:fs/promises'
import repository from 'unleash-client/lib/repository/index.js'

/*
 * The polling part of unleash-client: headers, ETag, back-off, proxies. Its own repository is extended at the one point
 * where an answer has arrived, because it drops the part that names the environment, and because it would take an answer
 * that must be refused. Nothing is kept here, and no backup file is written: what was accepted is in the phase memory.
 */

export interface FetcherParts {
  /** The API of the server, for example https://unleash:4242/api */
  readonly url: string
  /** Read anew for each request, so that a rotated token needs no restart. */
  readonly tokenFile: string
  /** ms between two requests. */
  readonly refresh: number
  /** ms for one request. */
  readonly timeout: number
  readonly instance: string
  /** An answer arrived; false refuses it, and the next request asks for the whole of it again. */
  readonly onAnswer: (answer: unknown) => boolean
  /** The server says that nothing changed. */
  readonly onUnchanged: () => void
  readonly onTrouble: (trouble: Error | string) => void
}

export interface Fetcher {
  stop(): void
}

type Options = ConstructorParameters<typeof repository.default>[0]
type Answer = Parameters<InstanceType<typeof repository.default>['save']>[0]

const NO_STORAGE: Options['storageProvider'] = { get: async () => undefined, set: async () => {} }
const NO_BOOTSTRAP: Options['bootstrapProvider'] = { readBootstrap: async () => undefined }

class JudgingRepository extends repository.default {
  readonly #onAnswer: FetcherParts['onAnswer']

  constructor(options: Options, onAnswer: FetcherParts['onAnswer']) {
    super(options)
    this.#onAnswer = onAnswer
  }

  override async save(answer: Answer): Promise<void> {
    // With its ETag kept, a refused answer would look current from the next "not modified" on.
    if (!this.#onAnswer(answer)) this.etag = undefined
  }
}

const optionsOf = (parts: FetcherParts): Options => ({
  url: parts.url.endsWith('/') ? parts.url : `${parts.url}/`,
  appName: 'crossfade',
  instanceId: parts.instance,
  connectionId: parts.instance,
  refreshInterval: parts.refresh,
  timeout: parts.timeout,
  customHeadersFunction: async () => ({ Authorization: (await readFile(parts.tokenFile, 'utf8')).trim() }),
  bootstrapProvider: NO_BOOTSTRAP,
  storageProvider: NO_STORAGE,
  mode: { type: 'polling', format: 'full' },
})

/** Begins to poll at once. */
export const startFetcher = (parts: FetcherParts): Fetcher => {
  const polling = new JudgingRepository(optionsOf(parts), parts.onAnswer)
  polling.on('unchanged', parts.onUnchanged)
  polling.on('error', (error: Error) => {
    // The client keeps the ETag of an answer that it then could not read.
    polling.etag = undefined
    parts.onTrouble(error)
  })
  polling.on('warn', parts.onTrouble)
  polling.start().catch(parts.onTrouble)
  return {
    stop: () => {
      polling.stop()
      // Stopping takes all listeners away, and a request still on its way would end the process with its error.
      polling.on('error', () => {})
    },
  }
}
