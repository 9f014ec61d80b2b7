import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../bin/config/load.ts'
import { dataPaths } from '../../bin/embedded/paths.ts'
import { makeRandom, type Random } from '../../bin/embedded/sample/random.ts'
import { SAMPLE_DEFAULTS, sampleSecrets } from '../../bin/embedded/sample/secrets.ts'
import { pathOf } from '../../proxy/http/path.ts'
import { alternate, figuresOf, ratiosOf } from '../compare.ts'
import { dataFolder, startCrossfade } from '../crossfade.ts'
import { closedLoop, type Shot, type Slice } from '../load.ts'
import { startNode } from '../process.ts'
import { type Bench, defineScenario, type System } from '../scenario.ts'

const DIRECT_SERVER = fileURLToPath(new URL('../direct-server.ts', import.meta.url))
/** Not enrolled, since nothing migrates it here. */
const INTEGRATION = 'aws'
const CONNECTIONS = 8
const SLICE_MS = 1000
const WRITTEN_NAMES = 500

/** The bare server on the very table that Crossfade serves, with a pool of the same size. */
const startDirect = async (bench: Bench): Promise<System> => {
  const { stores } = loadConfig(dataPaths(dataFolder(bench)).config, process.env)
  const legacy = Object.values(stores).find((store) => store.kind === 'postgres')
  if (legacy?.kind !== 'postgres') throw new Error('the embedded configuration has no postgres store')
  const { ready, stop } = await startNode({
    argv: [DIRECT_SERVER, legacy.url, legacy.password_file ?? '', String(legacy.max_connections)],
    ready: (line) => (line.startsWith('{') ? (JSON.parse(line) as { url: string }) : null),
    signal: bench.signal,
  })
  return { url: ready.url, headers: {}, stop }
}

const readPaths = (): readonly string[] =>
  [...sampleSecrets(SAMPLE_DEFAULTS)]
    // Without the one of 64 KiB, which would be most of the bytes.
    .filter(({ integration, value }) => integration === INTEGRATION && value.length < 4096)
    .map(({ customer, name }) => pathOf({ integration: INTEGRATION, customer, name }))

type Shots = (random: Random, headers: System['headers']) => Shot

const reads = (paths: readonly string[]): Shots => {
  return (random, headers) => ({ method: 'GET', path: random.pick(paths), headers, body: null })
}

const writes: Shots = (random, headers) => ({
  method: 'PUT',
  path: pathOf({ integration: INTEGRATION, customer: 'bench', name: `written/${random.below(WRITTEN_NAMES)}` }),
  headers: { ...headers, 'content-type': 'text/plain' },
  body: Buffer.from(random.bytes(24).toString('base64url')),
})

export const passthrough = defineScenario({
  name: 'passthrough',
  about: 'An integration that is not enrolled, through Crossfade, beside the same Fastify and pg without it.',
  systems: { crossfade: startCrossfade, direct: startDirect },
  drive: async ({ crossfade, direct }, { seconds, note, signal }) => {
    // Reads and writes, two systems each.
    const rounds = Math.max(3, Math.floor((seconds * 1000) / (4 * SLICE_MS)))
    const slice = (system: System, shots: Shots, random: Random) => (): Promise<Slice> => {
      signal.throwIfAborted()
      const next = (): Shot => shots(random, system.headers)
      return closedLoop({ url: system.url, connections: CONNECTIONS, ms: SLICE_MS, next })
    }
    const measure = async (what: string, shots: Shots) => {
      note(`${what}: ${rounds} rounds of ${SLICE_MS} ms each, ${CONNECTIONS} connections`)
      // Both systems are asked for the same secrets in the same order.
      const measured = await alternate({
        rounds,
        baseline: slice(direct, shots, makeRandom(what)),
        candidate: slice(crossfade, shots, makeRandom(what)),
      })
      const figures = { direct: figuresOf(measured.baseline), crossfade: figuresOf(measured.candidate) }
      return { ...figures, ...ratiosOf(measured) }
    }
    const figures = {
      reads: await measure('reads', reads(readPaths())),
      writes: await measure('writes', writes),
      rounds,
    }
    const failures = [figures.reads, figures.writes].flatMap((part) => [part.direct.failures, part.crossfade.failures])
    return { holds: failures.every((count) => count === 0), figures }
  },
})
