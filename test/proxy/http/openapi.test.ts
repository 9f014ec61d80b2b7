import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { clientsDocument } from '../../../proxy/http/openapi.ts'
import { operatorsDocument } from '../../../proxy/ops/openapi.ts'

// `node test/proxy/http/openapi.test.ts --write` writes both documents anew.
const DOCS = join(import.meta.dirname, '..', '..', '..', 'docs')
const { version } = JSON.parse(readFileSync(join(DOCS, '..', 'package.json'), 'utf8')) as { version: string }
const DOCUMENTS = {
  'openapi-clients.generated.json': clientsDocument(version),
  'openapi-operators.generated.json': operatorsDocument(version),
}
const rendered = (document: object) => `${JSON.stringify(document, null, 2)}\n`

for (const [file, document] of Object.entries(DOCUMENTS)) {
  if (process.argv.includes('--write')) writeFileSync(join(DOCS, file), rendered(document))
  test(`docs/${file} is what the tables say`, () => {
    assert.equal(readFileSync(join(DOCS, file), 'utf8'), rendered(document))
  })
}
