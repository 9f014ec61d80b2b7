import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { readProjectFile } from '../support/project.ts'

const MAIN = `
const [what] = process.argv.slice(2)
if (what === 'wait') {
  process.on('SIGTERM', () => process.exit(7))
  setInterval(() => {}, 1000)
  console.log('ready')
} else if (what === 'serve') {
  console.log(JSON.stringify([process.pid, process.execArgv.filter((option) => option.includes('semi-space'))]))
} else {
  console.log(JSON.stringify(process.argv.slice(2)))
  process.exitCode = 3
}
`

/** A project whose front door asks for a Node from the future, so that this one is too old for it; or for one as this is. */
export async function project(t: TestContext, needed = '99', main = MAIN): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-door-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'bin'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  const door = readProjectFile('bin/crossfade.js')
  assert.match(door, /^const NEEDED = 24$/m)
  await writeFile(join(folder, 'bin', 'crossfade.js'), door.replace('const NEEDED = 24', `const NEEDED = ${needed}`))
  await writeFile(join(folder, 'bin', 'main.ts'), main)
  return folder
}

/** This Node under the name and version of the package that npm would have brought. */
export async function bringNode(folder: string, version: string): Promise<void> {
  const name = new RegExp(`'${process.platform}-${process.arch}': '([^']+)'`).exec(
    readProjectFile('bin/crossfade.js'),
  )?.[1]
  const binary = join(folder, 'node_modules', name ?? '', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  await mkdir(dirname(binary), { recursive: true })
  await symlink(process.execPath, binary)
  await writeFile(join(dirname(dirname(binary)), 'package.json'), JSON.stringify({ version }))
}

export function open(folder: string, args: readonly string[]) {
  return spawn(process.execPath, [join(folder, 'bin', 'crossfade.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}
