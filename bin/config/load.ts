import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Fault } from '../../core/fault.ts'
import { crossProblems } from './cross-checks.ts'
import { type ConfigDocument, type Problem, readDocument } from './document.ts'
import { configFault } from './faults.ts'
import { problemsOfIssues } from './problems.ts'
import { type CrossfadeConfig, configJsonSchema, configSchema } from './schema.ts'

export type ConfigReading =
  | { readonly kind: 'valid'; readonly config: CrossfadeConfig; readonly input: unknown }
  /** All of them, in the order of the file. */
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }

/** Reads one file and judges all of it. Throws `config-unreadable` if there is no such file. */
export function readConfig(path: string, env: Readonly<NodeJS.ProcessEnv>): ConfigReading {
  const file = resolve(path)
  const document = readDocument(readText(file), file, env)
  // Text that is no YAML has no keys to judge.
  if (document.input === undefined) return { kind: 'invalid', problems: document.problems }
  const parsed = configSchema.safeParse(document.input)
  const problems = inOrder([
    ...document.problems,
    ...(parsed.success ? [] : problemsOfIssues(parsed.error.issues, document, configJsonSchema())),
    ...crossProblems(document),
  ])
  if (parsed.success && problems.length === 0) return { kind: 'valid', config: parsed.data, input: document.input }
  return { kind: 'invalid', problems: problems.length > 0 ? problems : [whole(document)] }
}

/** A configuration to run with. Throws `config-unreadable`, or `config-invalid` with every problem in its detail. */
export function loadConfig(path: string, env: Readonly<NodeJS.ProcessEnv>): CrossfadeConfig {
  const reading = readConfig(path, env)
  if (reading.kind === 'valid') return reading.config
  throw invalid(path, reading.problems)
}

export const invalid = (path: string, problems: readonly Problem[]): Fault =>
  configFault('config-invalid', `${problems.length} in ${path}\n${describeProblems(path, problems)}`)

/** One line each, as compilers write them, so that editors and terminals lead to the place. */
export const describeProblems = (path: string, problems: readonly Problem[]): string =>
  problems.map((p) => `${path}:${p.line}:${p.column} ${p.path === '' ? '' : `${p.path}: `}${p.message}`).join('\n')

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw configFault('config-unreadable', `${file}: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}

/** By place; one problem a place, the first found: a second one there is a consequence. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const places = new Map<string, Problem>()
  for (const problem of problems) {
    const place = `${problem.line}:${problem.column}:${problem.path}`
    if (!places.has(place)) places.set(place, problem)
  }
  return [...places.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

const whole = (document: ConfigDocument): Problem => document.problemAt([], 'it is empty')
