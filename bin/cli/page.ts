import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { EXITS } from './exit-codes.ts'
import { processIo } from './io.ts'
import { makeProgram } from './program.ts'
import { makeRunner } from './session.ts'

/*
 * docs/cli.md is made from the command tree: `node bin/cli/page.ts` writes it, a test compares.
 */

export const CLI_PAGE = fileURLToPath(new URL('../../docs/cli.md', import.meta.url))

const OPENING = `# The command line

\`npx crossfade\` in a clone, \`crossfade\` where the package is installed. This page is made from the command tree
(\`node bin/cli/page.ts\`); a test compares the two.

- Data goes to standard output, messages and progress to standard error.
- \`--json\` works with every command: exactly one JSON object is the last line of standard output, on failure
  \`{"error":{"code","title","detail","next"}}\`; the codes are those of [errors.md](errors.md).
- Every verb that moves forward or copies is a dry run until \`--execute\`, and then wants \`--reason\`. \`rollback\` acts at once.
- An unknown option or one argument too many is an error: nothing is done.
- A secret, a token or a key is never given in an option or a variable: values come from files or standard input, tokens
  from files that only their owner may read.
- Without \`--url\` a verb finds the embedded system of its clone by itself.
- Colour only on a terminal, and not if \`NO_COLOR\` is set.
- Ctrl-C on a command that watches only stops the watching, and says how to come back.`

export const renderCliPage = (program: Command): string => {
  const exits = Object.values(EXITS).map(({ code, when }) => `| ${code} | ${when} |`)
  return [
    OPENING,
    ['## Exit codes', '', '| code | when |', '|---|---|', ...exits].join('\n'),
    ['## Options of every command', '', ...optionTable(program)].join('\n'),
    ...leaves(program, []).map(section),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

interface Leaf {
  readonly path: readonly string[]
  readonly command: Command
}

const leaves = (command: Command, path: readonly string[]): readonly Leaf[] =>
  command.commands.flatMap((below) => {
    const here = [...path, below.name()]
    // One that takes arguments does something by itself, whatever is below it.
    const isVerb = below.commands.length === 0 || below.registeredArguments.length > 0
    return [...(isVerb ? [{ path: here, command: below }] : []), ...leaves(below, here)]
  })

const section = ({ path, command }: Leaf): string => {
  const rows = command.registeredArguments.map(
    (argument) => `| \`${argument.name()}\` | ${cell(argument.description)} |`,
  )
  return [
    `## crossfade ${path.join(' ')}`,
    '',
    `\`crossfade ${path.join(' ')} ${command.usage()}\``,
    '',
    command.description(),
    ...(rows.length === 0 ? [] : ['', '| argument | meaning |', '|---|---|', ...rows]),
    ...(command.options.length === 0 ? [] : ['', ...optionTable(command)]),
  ].join('\n')
}

const optionTable = (command: Command): readonly string[] => [
  '| option | meaning |',
  '|---|---|',
  ...command.options.map((option) => `| \`${option.flags.replaceAll('|', '\\|')}\` | ${cell(meaning(option))} |`),
]

const meaning = ({ description, argChoices, defaultValue }: Command['options'][number]): string => {
  const choices = argChoices === undefined ? '' : `; one of ${argChoices.join(', ')}`
  return `${description}${choices}${defaultValue === undefined ? '' : ` (default: ${defaultValue})`}`
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

if (import.meta.main) {
  const io = processIo(new AbortController().signal)
  writeFileSync(CLI_PAGE, renderCliPage(makeProgram(makeRunner(io))))
  io.stderr.write(`wrote ${CLI_PAGE}\n`)
}
