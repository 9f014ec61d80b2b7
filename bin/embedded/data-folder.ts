import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { embeddedFault } from './faults.ts'
import { sharedFolder } from './outside.ts'
import { canEnter, type PostgresUser } from './postgres-user.ts'

/** Where a cluster keeps what it keeps. */
export interface DataFolder {
  /** The folder that the operator named. */
  readonly root: string
  /** Owned by the user PostgreSQL runs as; holds `pgdata`. Elsewhere, behind a symbolic link, if that user cannot enter `root`. */
  readonly cluster: string
  readonly pgdata: string
  readonly passwordFile: string
}

/** The existing data below `root`, or null at a first start. */
export function existingData(root: string): string | null {
  const pgdata = join(root, 'cluster', 'pgdata')
  return existsSync(join(pgdata, 'PG_VERSION')) ? realpathSync(pgdata) : null
}

/** Makes the folders that are missing and returns where everything is. */
export function openDataFolder(root: string, user: PostgresUser): DataFolder {
  try {
    const made = mkdirSync(root, { recursive: true }) !== undefined
    if (made) chmodSync(root, user === null ? 0o700 : 0o711)
    const cluster = realpathSync(placeCluster(root, user))
    return { root, cluster, pgdata: join(cluster, 'pgdata'), passwordFile: join(root, 'password') }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOSPC') throw embeddedFault('embedded-disk-full', root, { cause })
    throw embeddedFault('embedded-data-unusable', `${root}: ${message}`, { cause })
  }
}

function placeCluster(root: string, user: PostgresUser): string {
  const link = join(root, 'cluster')
  const found = lstatSync(link, { throwIfNoEntry: false })
  if (found?.isSymbolicLink() && !existsSync(link)) throw new Error(`${link} points to a folder that is gone`)
  if (!found) {
    makeOwned(link, user)
    if (canEnter(user, link)) return link
    moveOutside(link, user)
  }
  if (!canEnter(user, realpathSync(link))) throw new Error(`the user that owns ${link} cannot enter it`)
  return link
}

/** The operator's folder keeps a symbolic link: whoever looks there sees where the data went. */
function moveOutside(link: string, user: PostgresUser): void {
  const outside = join(sharedFolder(), `data-${randomBytes(6).toString('hex')}`)
  makeOwned(outside, user)
  // Empty until now: made to find out whether the user could enter it.
  rmdirSync(link)
  symlinkSync(outside, link)
}

function makeOwned(folder: string, user: PostgresUser): void {
  mkdirSync(folder, { mode: 0o700 })
  chmodSync(folder, 0o700)
  if (user !== null) chownSync(folder, user.uid, user.gid)
}

/** The superuser's password: made once, in a file that only its owner may read. */
export function readOrMakePassword(folder: DataFolder): string {
  if (existsSync(folder.passwordFile)) return readFileSync(folder.passwordFile, 'utf8').trim()
  if (existsSync(folder.pgdata)) {
    throw embeddedFault('embedded-data-unusable', `${folder.root}: the file ${folder.passwordFile} is missing`)
  }
  const password = randomBytes(24).toString('base64url')
  writeFileSync(folder.passwordFile, `${password}\n`, { mode: 0o600 })
  return password
}
