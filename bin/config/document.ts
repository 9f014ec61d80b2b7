import { dirname, resolve } from 'node:path'
import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  visit,
} from 'yaml'

/** One thing that is wrong, and where. */
export interface Problem {
  /** Keys joined by dots; empty for the file as a whole. */
  readonly path: string
  readonly line: number
  readonly column: number
  /** What is wrong and what to do; never a value. */
  readonly message: string
}

export type Path = readonly PropertyKey[]

/** A parsed file that knows where each of its keys stands. */
export interface ConfigDocument {
  /** With variables put in and paths made absolute. */
  readonly input: unknown
  readonly problems: readonly Problem[]
  /** A problem at the value of `path`, or at the nearest place above it that is written in the file. */
  problemAt(path: Path, message: string): Problem
  /** A problem at the key itself. */
  problemAtKey(path: Path, message: string): Problem
}

/** Reads YAML 1.2; `file` says what relative paths are relative to, `env` what `${VAR}` means. */
export function readDocument(text: string, file: string, env: Readonly<NodeJS.ProcessEnv>): ConfigDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = (path: Path, offset: number, message: string): Problem => {
    const { line, col } = lines.linePos(offset)
    return { path: path.map(String).join('.'), line, column: col, message }
  }
  const problems = document.errors.map((error) => place([], error.pos[0], error.message))
  visit(document, {
    Scalar(key, node, parents) {
      const report = (message: string): void => {
        problems.push(place(pathOf([...parents, node]), node.range?.[0] ?? 0, message))
      }
      if (key !== 'key') prepareScalar(node, keyOf(parents), { env, folder: dirname(file), report })
    },
  })
  const at = (path: Path, offsetOf: (path: Path) => number | null) => (message: string) =>
    place(path, offsetOf(path) ?? 0, message)
  const valueOffset = (path: Path): number | null => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) return node.range[0]
    }
    return null
  }
  const keyOffset = (path: Path): number | null => {
    const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
    const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined
    return (pair?.key as Node | undefined)?.range?.[0] ?? valueOffset(path)
  }
  return {
    input: document.errors.length > 0 ? undefined : document.toJS(),
    problems,
    problemAt: (path, message) => at(path, valueOffset)(message),
    problemAtKey: (path, message) => at(path, keyOffset)(message),
  }
}

interface Preparation {
  readonly env: Readonly<NodeJS.ProcessEnv>
  readonly folder: string
  readonly report: (message: string) => void
}

function prepareScalar(node: Scalar, key: string | null, { env, folder, report }: Preparation): void {
  if (typeof node.value !== 'string') return
  const text = substitute(node.value, env, report)
  if (hasPassword(text)) report('a password in a URL is refused: move it to a file and name the file in password_file')
  // Unquoted, a variable may stand for a number or a truth, as it would if it had been written there.
  else if (text !== node.value && node.type === Scalar.PLAIN && /^(?:-?\d+(?:\.\d+)?|true|false)$/.test(text)) {
    node.value = JSON.parse(text)
  } else node.value = key !== null && isPathKey(key) ? resolve(folder, text) : text
}

/** `${VAR}` and `${VAR:-default}`; `$${` stands for `${` itself. */
function substitute(text: string, env: Readonly<NodeJS.ProcessEnv>, report: (message: string) => void): string {
  return text.replace(/\$(\$\{)|\$\{([^}]*)\}/g, (whole, escaped?: string, inside = '') => {
    if (escaped) return escaped
    const [, name = '', fallback] = /^([A-Za-z_]\w*)(?::-(.*))?$/.exec(inside) ?? []
    if (name === '') report(`${whole} is no variable: write \${NAME} or \${NAME:-default}`)
    const value = env[name] ?? fallback
    if (value === undefined && name !== '') report(`\${${name}} is not set: set it, or write \${${name}:-default}`)
    return value ?? ''
  })
}

function hasPassword(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && URL.canParse(text) && new URL(text).password !== ''
}

/** Options that name a file of this machine. */
const isPathKey = (key: string): boolean => /(?:^|_)file$|^path$/.test(key)

type Parents = readonly (Node | Pair | unknown)[]

const keyOf = (parents: Parents): string | null => {
  const parent = parents.at(-1)
  return isPair(parent) && isScalar(parent.key) ? String(parent.key.value) : null
}

function pathOf(chain: Parents): Path {
  const path: PropertyKey[] = []
  for (const [index, node] of chain.entries()) {
    const parent = chain[index - 1]
    if (isPair(node) && isScalar(node.key)) path.push(String(node.key.value))
    else if (isSeq(parent)) path.push(parent.items.indexOf(node))
  }
  return path
}
