import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { embeddedFault } from './faults.ts'

/**
 * One owner for a data folder. The lock is a file with the owner's pid and the moment its process started (in kernel
 * ticks, where /proc tells), so that a pid which another program has since been given does not hold it. Node has no
 * flock; PostgreSQL's own postmaster.pid stands behind this lock, which is here to say who it is.
 */
export interface Lock {
  release(): void
}

interface Owner {
  readonly pid: number
  readonly started: string | null
}

export function takeLock(folder: string): Lock {
  const path = join(folder, 'lock')
  const me: Owner = { pid: process.pid, started: processStart(process.pid) }
  const mine = `${path}.${process.pid}`
  writeFileSync(mine, JSON.stringify(me), { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (tryToLink(mine, path)) return { release: () => releaseIfMine(path, me) }
      const owner = readOwner(path)
      if (owner && isAlive(owner)) throw embeddedFault('embedded-already-running', `process ${owner.pid}, ${folder}`)
      discard(path)
    }
    throw embeddedFault('embedded-already-running', folder)
  } finally {
    rmSync(mine, { force: true })
  }
}

/** A hard link appears with its whole content or not at all. */
function tryToLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function discard(path: string): void {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
    rmSync(aside, { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function releaseIfMine(path: string, me: Owner): void {
  if (readOwner(path)?.pid === me.pid) rmSync(path, { force: true })
}

function readOwner(path: string): Owner | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner
  } catch {
    return null
  }
}

/** Whether the very process that took the lock still runs. */
function isAlive(owner: Owner): boolean {
  if (!isRunning(owner.pid)) return false
  const started = processStart(owner.pid)
  return owner.started === null || started === null || started === owner.started
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Field 22 of /proc/PID/stat, counted after the parenthesised name; null where there is no /proc. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
