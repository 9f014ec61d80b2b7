import { spawnSync } from 'node:child_process'
import { cpSync, globSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * npm run build: dist/ for the published package, because Node strips types nowhere below node_modules. tsc writes the
 * programs; what they read beside them at run time (SQL, pages) is copied.
 */

const ASSETS = '{core,backends,ledger,flags,access,proxy,migrator,dashboards,bin}/**/*.{sql,json,html,css,svg}'
/** Made by esbuild at `npm run page`. */
const PAGE = 'dashboards/page/built/*.{js,css}'

const project = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(project, 'dist')
const compiler = createRequire(import.meta.url).resolve('typescript/package.json')

rmSync(dist, { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [join(dirname(compiler), 'bin', 'tsc'), '-p', 'tsconfig.build.json'], {
  cwd: project,
  stdio: 'inherit',
})
if (status === 0) {
  for (const asset of globSync([ASSETS, PAGE], { cwd: project })) cpSync(join(project, asset), join(dist, asset))
}
process.exitCode = status ?? 1
