import type { Command } from 'commander'
import type { Runner } from '../session.ts'
import { addFlagsAccept } from './flags-accept.ts'
import { addFlagsCode } from './flags-code.ts'
import { addFlagsLint } from './flags-lint.ts'
import { addFlagsSet } from './flags-set.ts'

export const addFlags = (program: Command, runner: Runner): void => {
  const flags = program.command('flags').description('Ask for phases.')
  addFlagsSet(flags, runner)
  addFlagsAccept(flags, runner)
  addFlagsCode(flags, runner)
  addFlagsLint(flags, runner)
}
