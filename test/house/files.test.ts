import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { test } from 'node:test'
import { PROJECT, projectFiles, readProjectFile } from '../support/project.ts'

const LIMIT = 300
const VAGUE = ['utils', 'util', 'types', 'helpers', 'helper', 'common', 'misc']
const VAGUE_NAME = /\b(?:class|interface|type|const|function)\s+(?:\w+(?:Manager|Helper|Impl)|I[A-Z][a-z]\w*)\b/

const code = [...projectFiles('**/*.{ts,tsx}'), ...projectFiles('bin/*.js')]
const pages = projectFiles('**/*.md')

test(`a file is one idea: under ${LIMIT} lines`, () => {
  const long = code
    .map((file) => ({ file, lines: readProjectFile(file).split('\n').length - 1 }))
    .filter(({ lines }) => lines >= LIMIT)
  assert.deepEqual(long, [])
})

test('files and declarations have names that say what they are', () => {
  const vague = code.filter(
    (file) => VAGUE.includes(basename(file).replace(/\.\w+$/, '')) || VAGUE_NAME.test(readProjectFile(file)),
  )
  assert.deepEqual(vague, [])
})

test('no enum, namespace, module augmentation or class parameter property', () => {
  const wrong = code.filter((file) =>
    /^\s*(?:export )?(?:const )?(?:(?:enum|namespace) \w|declare (?:module|global)\b)/m.test(readProjectFile(file)),
  )
  assert.deepEqual(wrong, [])
})

test('relative links of the pages lead to files that exist', () => {
  const broken = pages.flatMap((page) => {
    const links = [...readProjectFile(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '')
    return links
      .filter((link) => !/^(?:[a-z]+:|#)/.test(link))
      .filter(
        (link) => !existsSync(join(PROJECT, posix.join(posix.dirname(page), decodeURI(link.split('#')[0] ?? '')))),
      )
      .map((link) => `${page}: ${link}`)
  })
  assert.deepEqual(broken, [])
})

test('SPEC.md states every invariant, and each test that it names exists', () => {
  assert.equal(existsSync(join(PROJECT, 'SPEC.md')), true, 'SPEC.md is missing')
  const spec = readProjectFile('SPEC.md')
  const invariants = Array.from({ length: 11 }, (_, index) => `I${index + 1}`)
  assert.deepEqual(
    invariants.filter((name) => !new RegExp(`\\b${name}\\b`).test(spec)),
    [],
  )
  const named = [...new Set(spec.match(/\btest\/[\w./-]+\.ts\b/g))]
  assert.notEqual(named.length, 0, 'SPEC.md names no test')
  assert.deepEqual(
    named.filter((file) => !existsSync(join(PROJECT, file))),
    [],
  )
})
