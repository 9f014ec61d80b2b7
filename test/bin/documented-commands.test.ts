import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command, Option } from 'commander'
import { processIo } from '../../bin/cli/io.ts'
import { makeProgram } from '../../bin/cli/program.ts'
import { makeRunner } from '../../bin/cli/session.ts'
import { projectFiles, readProjectFile } from '../support/project.ts'

/** docs/cli.md is made from the commands themselves. */
const PAGES = [...projectFiles('docs/*.md'), ...projectFiles('docs/provisioning/*.md'), 'README.md', 'SPEC.md'].filter(
  (page) => page !== 'docs/cli.md',
)
/** What commander adds by itself. */
const ADDED = new Set(['--help', '-h', '--version'])

const program = makeProgram(makeRunner(processIo(new AbortController().signal)))

/** Every `crossfade ...` in a code span, and every line of a console. */
function commandsIn(markdown: string): readonly string[] {
  const consoles = [...markdown.matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(([, text = '']) =>
    text.replace(/\\\n\s*/g, ' ').split('\n'),
  )
  const lines = consoles.flatMap((line) => /(?:^|\| |^\$ )(?:npx )?(crossfade [^|>]*)/.exec(line)?.[1] ?? [])
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '')
  const spans = [...prose.matchAll(/`(?:npx )?(crossfade\s[^`]*)`/g)].map(([, text = '']) => text.replace(/\s+/g, ' '))
  return [...lines, ...spans].flatMap(alternatives)
}

/** `keys rotate|rewrap STORE` is two commands. */
const alternatives = (line: string): readonly string[] => {
  const [choice] = /[a-z-]+(?:\|[a-z-]+)+/.exec(line) ?? []
  return choice === undefined ? [line] : choice.split('|').map((one) => line.replace(choice, one))
}

const wordsOf = (line: string): readonly string[] =>
  [...line.matchAll(/"[^"]*"|\S+/g)].map(([word]) => word).filter((word) => word !== '...')

/** What is wrong with a command line; nothing, if the program would take it. */
function complaintsOf(line: string): readonly string[] {
  const [, ...words] = wordsOf(line)
  let command: Command = program
  const operands: string[] = []
  const complaints: string[] = []
  while (words.length > 0) {
    const word = words.shift() as string
    const below = command.commands.find((one) => one.name() === word)
    if (below !== undefined && operands.length === 0) command = below
    else if (!word.startsWith('-')) operands.push(word)
    else complaints.push(...complaintsOfOption(command, word, words))
  }
  const most = command.registeredArguments.some(({ variadic }) => variadic)
    ? Number.POSITIVE_INFINITY
    : command.registeredArguments.length
  if (operands.length > most) complaints.push(`${operands.slice(most).join(' ')} is too much for ${command.name()}`)
  return complaints
}

/** Takes the option's value off `rest`. */
function complaintsOfOption(command: Command, word: string, rest: string[]): readonly string[] {
  if (ADDED.has(word)) return []
  const option = [...command.options, ...program.options].find(({ short, long }) => word === short || word === long)
  if (option === undefined) return [`${command.name()} has no ${word}`]
  if (!option.required && !option.optional) return []
  const value = option.required || !(rest[0] ?? '-').startsWith('-') ? rest.shift() : undefined
  if (value === undefined) return option.required ? [`${word} wants a value`] : []
  return isTaken(option, value) ? [] : [`${word} is not ${value}`]
}

/** Words in capitals stand for one. */
const isTaken = ({ argChoices }: Option, value: string): boolean =>
  argChoices === undefined || argChoices.includes(value) || /^[A-Z]+$/.test(value)

test('every command that a page names is one that the program has, with these options', () => {
  const named = PAGES.flatMap((page) => commandsIn(readProjectFile(page)).map((line) => ({ page, line })))
  assert.ok(named.length > 80, String(named.length))
  const wrong = named.flatMap(({ page, line }) => complaintsOf(line).map((what) => `${page}: ${line}: ${what}`))
  assert.deepEqual(wrong, [])
})

test('a verb, an option, a choice and an argument too many that are not there are found', () => {
  for (const line of [
    'crossfade roll-back github',
    'crossfade status --everything',
    'crossfade verify a b --execute',
    'crossfade history --by nobody',
  ])
    assert.notDeepEqual(complaintsOf(line), [], line)
  assert.deepEqual(complaintsOf('crossfade flags set github --cohort pilot live --execute --reason "a b"'), [])
})
