import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { embeddedFault } from './faults.ts'

/** Who PostgreSQL runs as: `null` for "as we do"; as root, one unprivileged user that exists already. */
export type PostgresUser = { readonly uid: number; readonly gid: number } | null

/** The first of these that the machine has; the last two are macOS's. */
const CANDIDATES = ['postgres', 'nobody', '_postgres', 'daemon'] as const

const isRoot = (): boolean => process.getuid?.() === 0

/**
 * PostgreSQL refuses to run as root. Data that exists stays with the user that owns it: another one may have been
 * added to the machine since. Nothing is ever added to the machine's users.
 */
export function choosePostgresUser(existingData: string | null): PostgresUser {
  if (!isRoot()) return null
  if (existingData !== null) {
    const { uid, gid } = statSync(existingData)
    if (uid !== 0) return { uid, gid }
  }
  const users = readUsers()
  for (const name of CANDIDATES) {
    const user = users.get(name)
    if (user && canRunAs(user)) return user
  }
  throw embeddedFault('embedded-no-user', `none of ${CANDIDATES.join(', ')} can be used here`)
}

/** Proves it by a process: mode bits alone know nothing of access lists, mount options and dropped capabilities. */
export function canEnter(user: PostgresUser, folder: string): boolean {
  if (user === null) return true
  const probe = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { ...user, cwd: '/', stdio: 'ignore' })
  return probe.status === 0
}

const canRunAs = (user: PostgresUser): boolean => canEnter(user, '/')

function readUsers(): ReadonlyMap<string, { uid: number; gid: number }> {
  const users = new Map<string, { uid: number; gid: number }>()
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name && uid && gid && Number(uid) !== 0) users.set(name, { uid: Number(uid), gid: Number(gid) })
  }
  return users
}
