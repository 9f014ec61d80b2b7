import assert from 'node:assert/strict'
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { test } from 'node:test'
import { projectFiles, readProjectFile } from '../support/project.ts'

const ROOMS = ['core', 'backends', 'flags', 'access', 'ledger', 'proxy', 'migrator', 'dashboards', 'bin'] as const
type Room = (typeof ROOMS)[number]

/** Which way imports run: ARCHITECTURE.md draws the same. A room may always import itself. */
const MAY_IMPORT: Record<Room, readonly Room[]> = {
  core: [],
  backends: ['core'],
  flags: ['core'],
  access: ['core'],
  ledger: ['backends', 'core'],
  proxy: ['access', 'flags', 'ledger', 'backends', 'core'],
  migrator: ['flags', 'ledger', 'backends', 'core'],
  dashboards: ['proxy', 'migrator', 'ledger', 'flags', 'backends', 'core'],
  bin: ['core', 'backends', 'flags', 'access', 'ledger', 'proxy', 'migrator', 'dashboards'],
}

const IMPORT = /(?:\bfrom\s+|\bimport\s*\(?\s*)'([^']+)'/g

const roomOf = (path: string): string => path.split('/')[0] ?? ''

const specifiersOf = (code: string): readonly string[] =>
  [...code.matchAll(IMPORT)].map(([, specifier]) => specifier ?? '')

const importsOf = (file: string): readonly string[] => specifiersOf(readProjectFile(file))

/** The live page runs in a browser: esbuild bundles it, and Node never loads it. */
const pageSources = projectFiles('dashboards/page/**/*.{ts,tsx}')
const sources = ROOMS.flatMap((room) => projectFiles(`${room}/**/*.ts`)).filter((file) => !pageSources.includes(file))

/** The packages that a specifier names: `pg`, `@scope/name`; null for Node's own modules. */
function packageOf(specifier: string): string | null {
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) return null
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

test('every room has sources, so that the tests below test something', () => {
  for (const room of ['core', 'backends', 'flags', 'access', 'ledger', 'proxy', 'bin']) {
    assert.notEqual(projectFiles(`${room}/**/*.ts`).length, 0, room)
  }
})

test('imports run along the arrows, and nothing imports bin, test or bench', () => {
  const wrong = sources.flatMap((file) => {
    const room = roomOf(file) as Room
    const targets = importsOf(file).filter((specifier) => specifier.startsWith('.'))
    return targets
      .map((specifier) => roomOf(posix.join(posix.dirname(file), specifier)))
      .filter((target) => target !== room && !MAY_IMPORT[room].some((allowed) => allowed === target))
      .map((target) => `${file} imports ${target}`)
  })
  assert.deepEqual(wrong, [])
})

test('the rooms import only packages that an install without devDependencies brings', () => {
  const { dependencies } = JSON.parse(readProjectFile('package.json')) as { dependencies: Record<string, string> }
  // What makes Grafana's JSON runs in a clone; what is shipped is the JSON.
  const shipped = sources.filter((file) => !file.startsWith('dashboards/boards/'))
  const wrong = shipped.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => !specifier.startsWith('.'))
      .map(packageOf)
      .filter((name) => name !== null && !Object.hasOwn(dependencies, name))
      .map((name) => `${file} imports ${name}`),
  )
  assert.deepEqual(wrong, [])
})

test('the live page takes types of the rooms, and nothing that runs but itself, the phases, preact and uPlot', () => {
  assert.notEqual(pageSources.length, 0)
  const wrong = pageSources.flatMap((file) => {
    const own = specifiersOf(withoutTypes(file)).map((specifier) =>
      specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier,
    )
    return own
      .filter((target) => !target.startsWith('dashboards/page/') && !MAY_RUN_IN_PAGE.includes(target))
      .map((target) => `${file} imports ${target}`)
  })
  assert.deepEqual(wrong, [])
  assert.deepEqual(
    sources.filter((file) => importsOf(file).some((specifier) => /\/page\/.*\.tsx?$/.test(specifier))),
    [],
    'no room imports the page',
  )
})

const MAY_RUN_IN_PAGE: readonly string[] = ['flags/phase.ts', 'preact', 'preact/hooks', 'uplot']

test('no file of the rooms imports itself through others at run time', () => {
  const runtime = new Map(sources.map((file) => [file, runtimeImports(file)]))
  const cycles = sources.filter((file) => reaches(file, file, runtime, new Set()))
  assert.deepEqual(cycles, [])
})

const withoutTypes = (file: string): string =>
  readProjectFile(file).replace(/^(?:import|export) type [^;]*?'[^']+'/gm, '')

function runtimeImports(file: string): readonly string[] {
  return specifiersOf(withoutTypes(file))
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => posix.join(posix.dirname(file), specifier))
}

function reaches(
  from: string,
  target: string,
  graph: ReadonlyMap<string, readonly string[]>,
  seen: Set<string>,
): boolean {
  return (graph.get(from) ?? []).some((next) => {
    if (next === target) return true
    if (seen.has(next)) return false
    seen.add(next)
    return reaches(next, target, graph, seen)
  })
}
