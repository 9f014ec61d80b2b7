import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readProjectFile } from '../support/project.ts'
import { collectFaults, ERRORS_PAGE, renderErrorsPage } from './errors-page.ts'

const faults = await collectFaults()

test('docs/errors.md lists exactly the codes of the tables; npm run docs writes it', () => {
  assert.deepEqual(readProjectFile(ERRORS_PAGE).split('\n'), renderErrorsPage(faults).split('\n'))
})

test('a code belongs to one table', () => {
  const owners = Object.groupBy(faults, ({ code }) => code)
  const twice = Object.entries(owners).filter(([, rows]) => (rows?.length ?? 0) > 1)
  assert.deepEqual(
    twice.map(([code, rows]) => `${code}: ${rows?.map(({ file }) => file).join(', ')}`),
    [],
  )
})

test('every code is kebab-case, says what is wrong and what to do', () => {
  for (const { code, title, next, status } of faults) {
    assert.match(code, /^[a-z]+(?:-[a-z0-9]+)*$/)
    assert.match(title, /^[A-Z].+[^.]$/, `${code}: a title is a sentence without its full stop`)
    assert.match(next, /^[A-Z].+\.$/, `${code}: next is a sentence`)
    assert.ok(status >= 400 && status <= 599, code)
  }
})
