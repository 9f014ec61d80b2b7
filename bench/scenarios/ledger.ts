import { fileURLToPath } from 'node:url'
import { alternate, figuresOf, ratiosOf } from '../compare.ts'
import type { Slice } from '../load.ts'
import { startNode } from '../process.ts'
import { type Bench, defineScenario, type System } from '../scenario.ts'
import { startStores } from './ledger-stores.ts'

const WRITER = fileURLToPath(new URL('./ledger-writer.ts', import.meta.url))
const WRITERS = [1, 8, 64] as const
const SLICE_MS = 500

const startWriter =
  (way: 'plain' | 'ledger' | 'ungrouped') =>
  async (bench: Bench, started: ReadonlyMap<string, System>): Promise<System> => {
    const { url: config } = started.get('stores') as System
    const { ready, stop } = await startNode({
      argv: [WRITER, config, way],
      ready: (line) => (line.startsWith('{') ? (JSON.parse(line) as { url: string }) : null),
      signal: bench.signal,
    })
    return { url: ready.url, headers: {}, stop }
  }

export const ledger = defineScenario({
  name: 'ledger',
  about: 'Dual writes with the ledger, without it, and without group commit, by 1, 8 and 64 writers.',
  systems: {
    stores: startStores,
    plain: startWriter('plain'),
    ledger: startWriter('ledger'),
    ungrouped: startWriter('ungrouped'),
  },
  drive: async (systems, { seconds, note, signal }) => {
    // Two comparisons of two systems each, for each number of writers.
    const rounds = Math.max(3, Math.floor((seconds * 1000) / (4 * WRITERS.length * SLICE_MS)))
    const slice = (system: System, writers: number) => async (): Promise<Slice> => {
      const answer = await fetch(`${system.url}/?writers=${writers}&ms=${SLICE_MS}`, { signal })
      return (await answer.json()) as Slice
    }
    const compare = async <B extends 'plain' | 'ungrouped'>(baseline: B, writers: number) => {
      note(`ledger beside ${baseline}, ${writers} writers: ${rounds} rounds of ${SLICE_MS} ms each`)
      const measured = await alternate({
        rounds,
        baseline: slice(systems[baseline], writers),
        candidate: slice(systems.ledger, writers),
      })
      const figures = { [baseline]: figuresOf(measured.baseline), ledger: figuresOf(measured.candidate) }
      const failures = [...measured.baseline, ...measured.candidate].reduce((sum, round) => sum + round.failures, 0)
      return { figures: { ...figures, ...ratiosOf(measured) }, failures }
    }
    const figures: Record<string, object> = {}
    let failures = 0
    for (const writers of WRITERS) {
      const beside = { plain: await compare('plain', writers), ungrouped: await compare('ungrouped', writers) }
      figures[`writers_${writers}`] = { without_ledger: beside.plain.figures, group_commit: beside.ungrouped.figures }
      failures += beside.plain.failures + beside.ungrouped.failures
    }
    return { holds: failures === 0, figures: { ...figures, rounds } }
  },
})
