import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { DataFolder } from './data-folder.ts'
import { embeddedFault } from './faults.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import type { PostgresUser } from './postgres-user.ts'

export interface InitOptions {
  readonly binaries: PostgresBinaries
  readonly user: PostgresUser
  readonly folder: DataFolder
  readonly superuser: string
  readonly password: string
  readonly fast?: boolean
  readonly icuLocale?: string
}

/** Runs initdb once. The finished cluster appears by a rename, so that an interrupted start leaves nothing half made. */
export async function makeCluster(options: InitOptions): Promise<void> {
  const { folder, user } = options
  if (existsSync(folder.pgdata)) return assertCluster(folder)
  const partial = join(folder.cluster, 'pgdata.partial')
  const passwordFile = join(folder.cluster, 'initial-password')
  rmSync(partial, { recursive: true, force: true })
  try {
    writeFileSync(passwordFile, `${options.password}\n`, { mode: 0o600 })
    if (user !== null) chownSync(passwordFile, user.uid, user.gid)
    await runInitdb(options, partial, passwordFile)
    renameSync(partial, folder.pgdata)
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    throw error
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

function assertCluster(folder: DataFolder): void {
  if (existsSync(join(folder.pgdata, 'PG_VERSION'))) return
  throw embeddedFault('embedded-data-unusable', `${folder.pgdata} is no PostgreSQL cluster (PG_VERSION is missing)`)
}

async function runInitdb(options: InitOptions, pgdata: string, passwordFile: string): Promise<void> {
  const child = spawn(options.binaries.initdb, initdbArguments(options, pgdata, passwordFile), {
    ...options.user,
    cwd: options.folder.cluster,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  if (code === 0) return
  const line =
    said
      .trim()
      .split('\n')
      .find((l) => /error|fatal|could not/i.test(l)) ?? `initdb exited with ${code}`
  const full = /No space left on device|Disk quota exceeded/.test(said)
  throw full
    ? embeddedFault('embedded-disk-full', `${options.folder.root}: ${line}`)
    : embeddedFault('embedded-data-unusable', `${options.folder.root}: ${line}`)
}

function initdbArguments(options: InitOptions, pgdata: string, passwordFile: string): string[] {
  const collation = options.icuLocale
    ? ['--locale-provider=icu', `--icu-locale=${options.icuLocale}`]
    : ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  return [
    `--pgdata=${pgdata}`,
    `--username=${options.superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    ...collation,
    ...(options.fast ? ['--no-sync'] : []),
  ]
}
