import { resolve } from 'node:path'
import { type DataFolder, existingData, openDataFolder, readOrMakePassword } from './data-folder.ts'
import { freePort } from './free-port.ts'
import { takeLock } from './lock.ts'
import { locateBinaries } from './postgres-binaries.ts'
import { makeCluster } from './postgres-init.ts'
import { type RunningServer, runServer, stopOrphan } from './postgres-server.ts'
import { choosePostgresUser } from './postgres-user.ts'

export interface PostgresOptions {
  /** Made if it is not there; data in it is found again. Nothing else may be kept in it. */
  readonly dataDir: string
  /** On 127.0.0.1; 0 or left out: any free one, another at each start. */
  readonly port?: number
  /** The server's own log, line by line. It never quotes a statement, a parameter or a row. */
  readonly log: (line: string) => void
  /** For tests: no fsync, so a crash of the machine may lose the data. */
  readonly fast?: boolean
  /** An ICU locale such as `en-US` as the default collation of databases; without it they sort by byte. Counts at the first start. */
  readonly icuLocale?: string
}

/** A PostgreSQL of this process. */
export interface EmbeddedPostgres {
  readonly pid: number
  readonly port: number
  readonly user: string
  /** Only its owner may read it. */
  readonly passwordFile: string
  /** For node-postgres, with the password; never print it. */
  url(database: string): string
  /** Resolves when the server has ended, for whatever reason. */
  readonly exited: Promise<void>
  /** Fast shutdown: open connections are ended, nothing committed is lost. Idempotent. */
  stop(): Promise<void>
}

/** The superuser of the embedded cluster. */
const SUPERUSER = 'postgres'

/**
 * Starts the PostgreSQL that npm brought on `dataDir`, loopback only, with a password of its own; resolves when it
 * accepts connections. Works as root (through an unprivileged user of the machine) and from any folder. The server ends
 * with this process, also when this process is killed. It does not keep the process alive by itself.
 *
 * Rejects with an `embedded-*` fault that says what to do.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const root = resolve(options.dataDir)
  const user = choosePostgresUser(existingData(root))
  const binaries = locateBinaries(user)
  const folder = openDataFolder(root, user)
  // Where the data really is: a copied folder leads to the same cluster by its symbolic link.
  const lock = takeLock(folder.cluster)
  try {
    await stopOrphan(folder.pgdata)
    const password = readOrMakePassword(folder)
    await makeCluster({ binaries, user, folder, superuser: SUPERUSER, password, ...options })
    const server = await serve(folder, { binaries, user, ...options })
    void server.exited.then(() => lock.release())
    return describe(server, folder, password)
  } catch (error) {
    lock.release()
    throw error
  }
}

async function serve(
  folder: DataFolder,
  options: Omit<Parameters<typeof runServer>[0], 'pgdata' | 'port'> & { port?: number },
) {
  const wanted = options.port ?? 0
  for (let attempt = 1; ; attempt++) {
    const port = wanted === 0 ? await freePort() : wanted
    try {
      return await runServer({ ...options, pgdata: folder.pgdata, port })
    } catch (error) {
      // Somebody took the free port between our look and PostgreSQL's bind: look again.
      const mayRetry = wanted === 0 && attempt < 5 && (error as { code?: string }).code === 'embedded-port-taken'
      if (!mayRetry) throw error
    }
  }
}

function describe(server: RunningServer, folder: DataFolder, password: string): EmbeddedPostgres {
  return {
    pid: server.pid,
    port: server.port,
    user: SUPERUSER,
    passwordFile: folder.passwordFile,
    url: (database) => `postgres://${SUPERUSER}:${password}@127.0.0.1:${server.port}/${encodeURIComponent(database)}`,
    exited: server.exited,
    stop: () => server.stop(),
  }
}
