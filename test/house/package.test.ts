import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { PROJECT } from '../support/project.ts'

const run = promisify(execFile)

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-package-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A copy of the project, so that building it disturbs nobody who reads dist/. */
async function copyProject(folder: string): Promise<void> {
  const left = ['node_modules', 'dist', '.git', '.crossfade', '.parts']
  for (const name of await readdir(PROJECT)) {
    if (!left.includes(name)) await cp(join(PROJECT, name), join(folder, name), { recursive: true })
  }
  await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
}

/** `npm pack`, which builds first, then the package beside its dependencies, as npm lays them out. No network. */
async function installPacked(folder: string): Promise<string> {
  await mkdir(join(folder, 'source'))
  await copyProject(join(folder, 'source'))
  await run('npm', ['pack', '--pack-destination', folder], { cwd: join(folder, 'source') })
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  const modules = join(folder, 'app', 'node_modules')
  await mkdir(modules, { recursive: true })
  for (const name of await readdir(join(PROJECT, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(PROJECT, 'node_modules', name), join(modules, name))
  }
  await mkdir(join(modules, 'crossfade'))
  await run('tar', ['-xzf', join(folder, tarball), '--strip-components=1', '-C', join(modules, 'crossfade')])
  return join(modules, 'crossfade')
}

const CONFIG = `
version: 1
listen: { clients: { address: "127.0.0.1:0" }, operators: { address: "127.0.0.1:0" } }
ledger: { url: "postgres://crossfade@127.0.0.1:1/crossfade", fingerprint_key_file: key }
stores:
  old:
    kind: postgres
    url: postgres://crossfade@127.0.0.1:1/old
    table: credentials
    columns: { integration: provider, customer: org, name: key, value: secret }
    encoding: { column: bytea }
  sealed:
    { kind: sealed, url: "postgres://crossfade@127.0.0.1:1/new", keyring: { kind: local, root_key_file: key } }
flags: { source: file, path: flags.json }
integrations: { aws: { legacy: old, new: sealed } }
etag: { key_file: key }
identity: { tokens_file: tokens }
audit: { sinks: [{ kind: file, path: audit.jsonl }] }
`

test('the packed package, installed elsewhere, judges a configuration, and brings the live page', async (t) => {
  const folder = await scratch(t)
  const installed = await installPacked(folder)
  await writeFile(join(folder, 'key'), 'k'.repeat(32), { mode: 0o600 })
  await writeFile(join(folder, 'tokens'), '[]', { mode: 0o600 })
  const file = join(folder, 'crossfade.yaml')
  const crossfade = (...args: readonly string[]) =>
    run(process.execPath, [join(installed, 'bin', 'crossfade.js'), ...args], { cwd: folder })

  await writeFile(file, CONFIG)
  const { stdout } = await crossfade('config', 'check', file, '--json')
  assert.equal(JSON.parse(stdout.trim().split('\n').at(-1) ?? '').ok, true)

  const page = `const { readPageFiles } = await import(process.argv[1]); console.log(readPageFiles().length)`
  const files = join(installed, 'dist', 'dashboards', 'page-files.js')
  const counted = await run(process.execPath, ['--input-type=module', '-e', page, files])
  assert.equal(counted.stdout.trim(), '4', 'the live page, built')

  await writeFile(file, CONFIG.replace('table:', 'tabel:'))
  await assert.rejects(crossfade('config', 'check', file), (error) => {
    const { code, stdout: out, stderr } = error as { code: number; stdout: string; stderr: string }
    assert.notEqual(code, 0)
    assert.match(out + stderr, /did you mean table\?/)
    return true
  })
})
