import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PROJECT } from '../support/project.ts'
import { isMutantName, MUTANTS } from './mutants.ts'

/*
 * node mutant-serve.ts MUTANT serve ...: the program itself, with one module edited on its way into the process. An edit
 * that does not fit its module ends the process, so that a mutant which became harmless is noticed.
 */
const [name = '', ...args] = process.argv.slice(2)
if (!isMutantName(name)) throw new Error(`no such mutant: ${name}`)
const { file, from, to } = MUTANTS[name]
const edited = pathToFileURL(join(PROJECT, file)).href

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context)
    if (url !== edited) return loaded
    const parts = String(loaded.source).split(from)
    if (parts.length !== 2) throw new Error(`mutant ${name}: ${file} holds it ${parts.length - 1} times`)
    return { ...loaded, source: parts.join(to) }
  },
})

process.argv.splice(2, process.argv.length, ...args)
await import('../../bin/main.ts')
