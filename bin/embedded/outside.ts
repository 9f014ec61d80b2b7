import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { embeddedFault } from './faults.ts'

/**
 * A clone under a home that only root may enter (mode 0700) cannot be reached by the user PostgreSQL runs as. What that
 * user must reach then lies in one of these folders, which only root may change. /var/lib before /var/tmp, because
 * systemd removes what nobody touched in /var/tmp for 30 days.
 */
const FOLDERS = ['/var/lib/crossfade', '/var/tmp/crossfade-0'] as const

/** The folder that root shares with the unprivileged user, made if it is not there. Only called as root. */
export function sharedFolder(): string {
  const problems: string[] = []
  for (const folder of FOLDERS) {
    const problem = prepare(folder)
    if (problem === null) return folder
    problems.push(`${folder}: ${problem}`)
  }
  throw embeddedFault('embedded-data-unusable', problems.join('; '))
}

function prepare(folder: string): string | null {
  try {
    // Whatever the umask: a folder that nobody else can pass through would be of no use.
    if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, 0o711)
    // /var/tmp is everybody's: a folder that somebody else made there first is not ours to trust.
    const found = lstatSync(folder)
    if (!found.isDirectory() || found.uid !== 0) return 'it belongs to somebody else'
    return (found.mode & 0o022) === 0 ? null : 'others may write to it'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'cannot be made'
  }
}
