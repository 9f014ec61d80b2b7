import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { flagsJsonSchema } from '../../flags/code/document.ts'

/*
 * flags.schema.json, for editors of a file of ladders: `npm run docs` writes it, a house test compares.
 */

export const FLAGS_SCHEMA_FILE = fileURLToPath(new URL('../../flags.schema.json', import.meta.url))

export const renderFlagsSchema = (): string => `${JSON.stringify(flagsJsonSchema(), null, 2)}\n`

export const readFlagsSchema = (): string => readFileSync(FLAGS_SCHEMA_FILE, 'utf8')

if (import.meta.main) {
  writeFileSync(FLAGS_SCHEMA_FILE, renderFlagsSchema())
  console.log(`wrote ${FLAGS_SCHEMA_FILE}`)
}
