import { globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder, with a separator at its end. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/** What .gitignore names, and git itself: not ours to hold to the house rules. */
const NOT_OURS = ['node_modules', 'dist', 'built', '.crossfade', '.parts', '.git']

/** Paths of the project's own files below its folder, with `/`, sorted; `pattern` is a glob. */
export function projectFiles(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: PROJECT, exclude: ({ name }) => NOT_OURS.includes(name), withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(PROJECT.length).split(sep).join('/'))
    .sort()
}

export const readProjectFile = (path: string): string => readFileSync(join(PROJECT, path), 'utf8')
