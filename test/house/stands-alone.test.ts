import assert from 'node:assert/strict'
import { test } from 'node:test'
import { projectFiles, readProjectFile } from '../support/project.ts'

/** What would tie the project to one machine or one registry. Spelt in pieces, so that this file does not hold them. */
const FOREIGN = [
  {
    what: 'a registry',
    pattern: new RegExp(['//registry\\.[a-z]', 'npmjs\\.(?:com|org)', 'pypi\\.(?:org|io)'].join('|')),
  },
  { what: 'a folder of one machine', pattern: new RegExp(`(?<![\\w.])/${'work'}/`) },
  { what: 'a page outside the project', pattern: new RegExp(`(?:\\.\\./|/)${'shared'}/|\\b${'facts'}/[a-z-]+\\.md`) },
]

interface LockEntry {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly optionalDependencies?: Record<string, string>
}

const { packages } = JSON.parse(readProjectFile('package-lock.json')) as { packages: Record<string, LockEntry> }
const installed = Object.entries(packages).filter(([path]) => path !== '')

test('no file names a registry, a folder of one machine or a page outside the project', () => {
  const files = [...projectFiles('**/*'), '.npmrc', '.gitignore', ...projectFiles('.ci/*')]
  const found = files.flatMap((file) => {
    const text = readProjectFile(file)
    return FOREIGN.filter(({ pattern }) => pattern.test(text)).map(({ what }) => `${file}: ${what}`)
  })
  assert.deepEqual(found, [])
})

test('every package of the lock file has an integrity and no address', () => {
  const wrong = installed.filter(([, entry]) => entry.integrity === undefined || entry.resolved !== undefined)
  assert.deepEqual(wrong, [])
})

test('the lock file knows every optional package, without which npm ci refuses it', () => {
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
  const known = new Set(
    installed.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)),
  )
  assert.deepEqual(
    wanted.filter((name) => !known.has(name)),
    [],
  )
})

test('package.json asks for Node 24, brings it for each platform, and has the scripts that the pages name', () => {
  const manifest = JSON.parse(readProjectFile('package.json')) as {
    engines: { node: string }
    type: string
    private: boolean
    scripts: Record<string, string>
    optionalDependencies: Record<string, string>
  }
  assert.deepEqual([manifest.engines.node, manifest.type, manifest.private], ['>=24', 'module', true])
  const nodes = Object.entries(manifest.optionalDependencies).filter(([name]) => name.startsWith('node-'))
  assert.equal(nodes.length, 5)
  for (const [name, version] of nodes) {
    assert.match(version, /^24\.\d+\.\d+$/, name)
    assert.match(readProjectFile('bin/crossfade.js'), new RegExp(`'${name}'`))
  }
  const named = projectFiles('**/*.md').flatMap((page) => [...readProjectFile(page).matchAll(/\bnpm run ([a-z:-]+)/g)])
  assert.deepEqual(
    named.map(([, script]) => script ?? '').filter((script) => !Object.hasOwn(manifest.scripts, script)),
    [],
  )
})
