import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configJsonSchema } from './schema.ts'

/*
 * crossfade.schema.json, for editors: `npm run docs` writes it, a house test compares.
 */

export const SCHEMA_FILE = fileURLToPath(new URL('../../crossfade.schema.json', import.meta.url))

export const renderSchemaFile = (): string => `${JSON.stringify(configJsonSchema(), null, 2)}\n`

export const readSchemaFile = (): string => readFileSync(SCHEMA_FILE, 'utf8')

if (import.meta.main) {
  writeFileSync(SCHEMA_FILE, renderSchemaFile())
  console.log(`wrote ${SCHEMA_FILE}`)
}
