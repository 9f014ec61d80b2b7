import { parseArgs } from 'node:util'
import { DEFAULT_PAIR, isPairName, PAIR_NAMES, type PairName } from '../pairs/pair.ts'

/** What a run shall be. */
export interface Order {
  readonly replicas: number
  readonly ops: number
  readonly seed: string
  readonly json: boolean
  /** The stores. */
  readonly pair: PairName
  /** Where everything of the run stays; null: removed, unless the run fails. */
  readonly keep: boolean
  /** A mutant, or `all` of them; null: the program as it is. */
  readonly breaks: string | null
}

export const USAGE =
  'usage: npm run chaos -- [--replicas 3] [--ops 20000] [--seed TEXT] [--pair LEGACY:NEW] [--short] [--break NAME|all] [--keep] [--json]\n' +
  `  --pair   one of ${PAIR_NAMES.join(', ')}\n` +
  '  --short  1500 operations, for CI\n' +
  '  --break  run processes that lack a rule of the protocol, and expect to find that\n' +
  '  --keep   do not remove the folder of the run, with the logs of every process'

const SHORT = 1500

/** Null for what cannot be meant. */
export function readOrder(argv: readonly string[]): Order | null {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        replicas: { type: 'string', default: '3' },
        ops: { type: 'string' },
        seed: { type: 'string', default: 'chaos' },
        pair: { type: 'string', default: DEFAULT_PAIR },
        short: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        break: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const { seed, pair, short, keep, json, break: breaks = null } = values
    const replicas = Number(values.replicas)
    const ops = Number(values.ops ?? (short ? SHORT : 20_000))
    const isWhole = (value: number): boolean => Number.isInteger(value) && value > 0
    if (!isWhole(replicas) || !isWhole(ops) || !isPairName(pair)) return null
    return { replicas, ops, seed, pair, keep, json, breaks }
  } catch {
    return null
  }
}
