import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configJsonSchema } from '../../bin/config/schema.ts'
import { PROJECT } from '../support/project.ts'

/*
 * docs/configuration.md is made of the schema: `npm run docs` writes it, a house test compares.
 */

export const CONFIGURATION_PAGE = 'docs/configuration.md'

/** As much of JSON Schema as the page shows. */
interface Shown {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly properties?: Readonly<Record<string, Shown>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Shown
  readonly items?: Shown
  readonly oneOf?: readonly Shown[]
  readonly anyOf?: readonly Shown[]
}

interface Row {
  readonly path: string
  readonly kind: string
  readonly otherwise: string
  readonly description: string
}

const HEAD = `# Configuration

One YAML file. [crossfade.example.yaml](../crossfade.example.yaml) is a full one; editors that speak to the YAML language
server read [crossfade.schema.json](../crossfade.schema.json), which its first line names.

- \`crossfade config check FILE\` judges a file: every problem at once, each with line and column and what to do; then the
  files that it names, the ledger and the stores.
- \`crossfade config print FILE\` shows it as it is used: variables put in, defaults filled in, paths absolute.

Rules:

- Keys are snake_case; a key that is not known is an error, with the key that may have been meant.
- Durations are \`250ms\`, \`5s\`, \`1m\`, \`1h\`, \`7d\`; sizes \`512B\`, \`64KiB\`, \`1MiB\`; shares \`20%\`.
- \`\${VAR}\` and \`\${VAR:-default}\` stand for what is not secret; a variable that is not set is an error; \`$\${\` stands for
  \`\${\` itself.
- A secret is only ever named by the path of its file, in a key that ends in \`_file\`; a password in a URL is an error.
- Paths are relative to the folder of the configuration file.
- \`integrations.defaults\` holds where an integration says nothing; every other key of \`integrations\` is an integration.

## Every key

\`NAME\` stands for a name of your choice, \`[]\` for each entry of a list; a default of "required" means that there is none.

| key | kind | default | meaning |
|---|---|---|---|
`

export function renderConfigurationPage(): string {
  const rows = merged(rowsOf(configJsonSchema() as Shown, ''))
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
  const lines = rows.map((row) =>
    [`\`${row.path}\``, cell(row.kind), cell(row.otherwise), cell(row.description)].join(' | '),
  )
  return `${HEAD}${lines.map((line) => `| ${line} |\n`).join('')}`
}

function rowsOf(schema: Shown, path: string): readonly Row[] {
  const branches = schema.oneOf ?? schema.anyOf
  if (branches) return branches.flatMap((branch) => rowsOf(branch, path))
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, below]) => {
    const at = path === '' ? key : `${path}.${key}`
    const required = schema.required?.includes(key) ?? false
    return [...leaf(at, below, required), ...rowsOf(below, at)]
  })
  const { additionalProperties: others, items } = schema
  const named = typeof others === 'object' ? rowsOf(others, `${path}.NAME`) : []
  return [...own, ...named, ...(items ? rowsOf(items, `${path}[]`) : [])]
}

function leaf(path: string, schema: Shown, required: boolean): readonly Row[] {
  const isSection = schema.properties !== undefined || typeof schema.additionalProperties === 'object'
  if ((isSection || schema.oneOf) && schema.description === undefined) return []
  const otherwise =
    schema.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(schema.default)}\``
  return [{ path, kind: kindOf(schema), otherwise, description: schema.description ?? '' }]
}

function kindOf(schema: Shown): string {
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.enum) return schema.enum.map((each) => `\`${each}\``).join(' or ')
  if (schema.pattern?.includes('ms|')) return 'duration'
  if (schema.pattern?.includes('KiB')) return 'size'
  if (schema.pattern?.includes('%')) return 'share'
  return schema.type ?? 'section'
}

/** The branches of a union share keys: one row each, with every kind it may be. */
function merged(rows: readonly Row[]): readonly Row[] {
  const byPath = Map.groupBy(rows, ({ path }) => path)
  return [...byPath.values()].map((same) => {
    const distinct = (pick: (row: Row) => string): string =>
      [...new Set(same.map(pick).filter((text) => text !== ''))].join(' or ')
    return {
      path: same[0]?.path ?? '',
      kind: distinct(({ kind }) => kind),
      otherwise: distinct(({ otherwise }) => otherwise),
      description: distinct(({ description }) => description),
    }
  })
}

if (import.meta.main) {
  writeFileSync(join(PROJECT, CONFIGURATION_PAGE), renderConfigurationPage())
  console.log(`wrote ${CONFIGURATION_PAGE}`)
}
