import { parseArgs } from 'node:util'
import { DEFAULT_PAIR, isPairName, PAIR_NAMES, type PairName } from '../pairs/pair.ts'

/** What one telling of the story is asked for. */
export interface Order {
  readonly json: boolean
  /** Of the sample, made at the start. */
  readonly secrets: number
  /** Acknowledged in each stage, at least. */
  readonly writes: number
  readonly deletes: number
  /** Concurrent clients. */
  readonly clients: number
  /** Of what the clients do. */
  readonly seed: string
  /** The stores. */
  readonly pair: PairName
  /** Rows to change behind the system's back before the last check. */
  readonly sabotage: number
}

export const USAGE = `npm run story -- [--json] [--secrets N] [--writes N] [--deletes N] [--clients N] [--seed S] [--sabotage K] [--pair LEGACY:NEW]

  Starts a fresh embedded system and moves every integration through all phases and back, under traffic.
  The pair is one of ${PAIR_NAMES.join(', ')}.
  Exits 0 if every secret is what it must be, 3 if one is not, 1 if something else failed, 2 for a wrong command line.`

const OPTIONS = {
  json: { type: 'boolean', default: false },
  secrets: { type: 'string', default: '3000' },
  writes: { type: 'string', default: '300' },
  deletes: { type: 'string', default: '30' },
  clients: { type: 'string', default: '8' },
  seed: { type: 'string', default: 'story' },
  sabotage: { type: 'string', default: '0' },
  pair: { type: 'string', default: DEFAULT_PAIR },
} as const

const LEAST = { secrets: 100, writes: 1, deletes: 1, clients: 1, sabotage: 0 } as const
const COUNTS = Object.keys(LEAST) as readonly (keyof typeof LEAST)[]

/** Null for a command line that is not one. */
export function readOrder(argv: readonly string[]): Order | null {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS })
    const counts = Object.fromEntries(COUNTS.map((name) => [name, Number(values[name])])) as Record<
      keyof typeof LEAST,
      number
    >
    const isRight = COUNTS.every((name) => Number.isInteger(counts[name]) && counts[name] >= LEAST[name])
    const { json, seed, pair } = values
    return isRight && isPairName(pair) ? { json, seed, pair, ...counts } : null
  } catch {
    return null
  }
}
