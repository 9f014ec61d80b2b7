import { stringify } from 'yaml'
import { invalid, readConfig } from './load.ts'
import { schemasAt } from './problems.ts'
import { configJsonSchema, type JsonSchema } from './schema.ts'

/**
 * The configuration as it is used: variables put in, defaults filled in, paths absolute. It holds no secret, because a
 * configuration cannot: of secrets it only knows the paths of their files. Throws as `loadConfig` does.
 */
export function effectiveConfig(path: string, env: Readonly<NodeJS.ProcessEnv>): unknown {
  const reading = readConfig(path, env)
  if (reading.kind === 'invalid') throw invalid(path, reading.problems)
  return fill(reading.input, reading.config, configJsonSchema())
}

/** As YAML that could be used in the file's place. */
export const printConfig = (path: string, env: Readonly<NodeJS.ProcessEnv>): string =>
  stringify(effectiveConfig(path, env), { lineWidth: 120 })

/** As it was written where it was written (`5s`, not 5000), else the default, with its unit. */
function fill(input: unknown, output: unknown, schema: JsonSchema): unknown {
  if (input === undefined) return withUnit(output, schema)
  if (!isObject(output) || !isObject(input)) return input
  const keys = [...new Set([...Object.keys(input), ...Object.keys(output)])]
  return Object.fromEntries(
    keys.map((key) => {
      const [below = {}] = schemasAt(schema, [key], input)
      return [key, fill(input[key], output[key], below)]
    }),
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Largest first: the first that divides evenly is the one that people would have written. */
const UNITS = {
  d: { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 },
  B: { GiB: 1_073_741_824, MiB: 1_048_576, KiB: 1024, B: 1 },
} as const

function withUnit(value: unknown, schema: JsonSchema): unknown {
  if (isObject(value)) {
    const entries = Object.entries(value).map(([key, below]) => {
      const [known = {}] = schemasAt(schema, [key], value)
      return [key, withUnit(below, known)]
    })
    return Object.fromEntries(entries)
  }
  const { pattern = '' } = schema
  if (typeof value !== 'number' || pattern === '') return value
  if (pattern.includes('%')) return `${value * 100}%`
  const units = Object.entries(pattern.includes('KiB') ? UNITS.B : UNITS.d)
  const [unit, size] = units.find(([, each]) => value >= each && value % each === 0) ?? units.at(-1) ?? ['', 1]
  return `${value / size}${unit}`
}
