import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataPaths } from '../bin/embedded/paths.ts'
import { type RunFile, readRunFile } from '../bin/embedded/run-file.ts'
import { startNode } from './process.ts'
import type { Bench, System } from './scenario.ts'

const FRONT_DOOR = fileURLToPath(new URL('../bin/crossfade.js', import.meta.url))

const ANY_PORT = '127.0.0.1:0'

export interface CrossfadeSystem extends System {
  readonly run: RunFile
}

/** Where the embedded system of a bench keeps its data. */
export const dataFolder = ({ folder }: Bench): string => join(folder, 'crossfade')

/** Crossfade as its users start it, embedded, on ports of its own; ready when its run file is there. */
export const startCrossfade = async (bench: Bench): Promise<CrossfadeSystem> => {
  const data = dataFolder(bench)
  const { runFile } = dataPaths(data)
  // As root, PostgreSQL's user must get through, or the cluster is placed outside of the folder that is removed.
  mkdirSync(data, { mode: 0o711 })
  chmodSync(data, 0o711)
  const { ready: run, stop } = await startNode({
    argv: [FRONT_DOOR, 'serve', '--embedded', '--data', data, '--clients', ANY_PORT, '--operators', ANY_PORT, '--json'],
    ready: () => readRunFile(runFile),
    signal: bench.signal,
  })
  const token = readFileSync(run.token_files.client, 'utf8').trim()
  return { url: run.clients, headers: { authorization: `Bearer ${token}` }, run, stop }
}
