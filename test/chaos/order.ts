import { parseArgs } from 'node:util'

/** What a run shall be. */
export interface Order {
  readonly replicas: number
  readonly ops: number
  readonly seed: string
  readonly json: boolean
  /** Where everything of the run stays; null: removed, unless the run fails. */
  readonly keep: boolean
}

export const USAGE =
  'usage: npm run chaos -- [--replicas 3] [--ops 20000] [--seed TEXT] [--short] [--keep] [--json]\n' +
  '  --short  1500 operations, for CI\n' +
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
        short: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    })
    const { seed, short, keep, json } = values
    const replicas = Number(values.replicas)
    const ops = Number(values.ops ?? (short ? SHORT : 20_000))
    const isWhole = (value: number): boolean => Number.isInteger(value) && value > 0
    return isWhole(replicas) && isWhole(ops) ? { replicas, ops, seed, keep, json } : null
  } catch {
    return null
  }
}
