import type { z } from 'zod'
import type { ConfigDocument, Path, Problem } from './document.ts'
import { nearest } from './nearest.ts'
import type { JsonSchema } from './schema.ts'

type Issue = z.core.$ZodIssue

/** What zod found, in our words: every unknown key by itself, with the key that may have been meant. */
export function problemsOfIssues(issues: readonly Issue[], document: ConfigDocument, schema: JsonSchema): Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey([...issue.path, key], document, schema))
    }
    // A union reports every branch: meant was one of the right kind, and of those the one with the fewest complaints.
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const [best = []] = [...issue.errors].sort(
        (a, b) => Number(isOtherKind(a)) - Number(isOtherKind(b)) || a.length - b.length,
      )
      const placed = best.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
      return problemsOfIssues(placed as Issue[], document, schema)
    }
    return [document.problemAt(issue.path, messageOf(issue, document.input))]
  })
}

/** A word where a section is wanted, or the other way round. */
const isOtherKind = (issues: readonly Issue[]): boolean =>
  issues.some(({ path, code }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value'))

function unknownKey(path: Path, document: ConfigDocument, schema: JsonSchema): Problem {
  const key = String(path.at(-1))
  const known = knownKeys(schema, path.slice(0, -1), document.input)
  const meant = nearest(key, known)
  const advice = meant === null ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
  return document.problemAtKey(path, `unknown key; ${advice}`)
}

function messageOf(issue: Issue, input: unknown): string {
  if (issue.code === 'invalid_type' && valueAt(input, issue.path) === undefined) {
    return `missing; expected ${article(issue.expected)}`
  }
  if (issue.code === 'invalid_union') {
    const { options } = issue as { options?: readonly unknown[] }
    const given = valueAt(input, issue.path) === undefined ? 'missing; ' : ''
    return options ? `${given}expected ${options.join(' or ')}` : issue.message
  }
  return issue.message.replace(/^[A-Z]/, (letter) => letter.toLowerCase()).replace(/^invalid input: /, '')
}

const article = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

export function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input)
}

/** The keys that the schema knows at a place, through its lists and unions; the branch that fits `kind` or `source` alone. */
export function knownKeys(schema: JsonSchema, path: Path, input: unknown): readonly string[] {
  const branches = schemasAt(schema, path, input)
  return [...new Set(branches.flatMap((branch) => Object.keys(branch.properties ?? {})))].sort()
}

export function schemasAt(schema: JsonSchema, path: Path, input: unknown): readonly JsonSchema[] {
  const here = fitting(schema, input)
  const [step, ...rest] = path
  if (step === undefined) return here
  const below = (input as Record<PropertyKey, unknown> | undefined)?.[step]
  return here.flatMap((branch) => {
    const { additionalProperties: others, items, properties } = branch
    const next =
      typeof step === 'number' ? items : (properties?.[String(step)] ?? (isSchema(others) ? others : undefined))
    return next ? schemasAt(next, rest, below) : []
  })
}

const isSchema = (value: boolean | JsonSchema | undefined): value is JsonSchema => typeof value === 'object'

function fitting(schema: JsonSchema, input: unknown): readonly JsonSchema[] {
  const branches = schema.oneOf ?? schema.anyOf ?? schema.allOf
  if (!branches) return [schema]
  const given = input as Record<string, unknown> | undefined
  const exact = branches.filter(({ properties }) =>
    Object.entries(properties ?? {}).some(
      ([key, { const: wanted }]) => wanted !== undefined && given?.[key] === wanted,
    ),
  )
  return (exact.length > 0 ? exact : branches).flatMap((branch) => fitting(branch, input))
}
