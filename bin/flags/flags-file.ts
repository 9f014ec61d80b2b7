import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { flagsDocumentSchema, flagsJsonSchema } from '../../flags/code/document.ts'
import { type Reading, readDocument, type Surroundings } from '../../flags/code/wanted.ts'
import { cliFault } from '../cli/faults.ts'
import { type Problem, readDocument as readYaml } from '../config/document.ts'
import { describeProblems } from '../config/load.ts'
import { problemsOfIssues } from '../config/problems.ts'
import type { JsonSchema } from '../config/schema.ts'

/**
 * Reads a file of ladders and judges all of it against the configuration. Throws `flags-document-invalid` with every
 * problem in its detail, each with its line.
 */
export const readFlagsFile = (
  path: string,
  surroundings: Surroundings,
  env: Readonly<NodeJS.ProcessEnv>,
): Omit<Reading, 'misfits'> => {
  const file = resolve(path)
  const yaml = readYaml(readText(path), file, env)
  if (yaml.input === undefined) throw invalid(path, yaml.problems)
  const parsed = flagsDocumentSchema.safeParse(yaml.input)
  if (!parsed.success)
    throw invalid(path, [
      ...yaml.problems,
      ...problemsOfIssues(parsed.error.issues, yaml, flagsJsonSchema() as JsonSchema),
    ])
  const { misfits, ...reading } = readDocument(parsed.data, surroundings)
  const problems = misfits.map(({ rule, key, message }) => yaml.problemAt(['ladders', rule, ...key], message))
  if (yaml.problems.length + problems.length > 0) throw invalid(path, [...yaml.problems, ...problems])
  return reading
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw cliFault('file-unusable', `${path}: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}

const invalid = (path: string, problems: readonly Problem[]) =>
  cliFault('flags-document-invalid', `${problems.length} in ${path}\n${describeProblems(path, problems)}`)
