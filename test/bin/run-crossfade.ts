import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { run } from '../../bin/cli/program.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { PROJECT } from '../support/project.ts'

export interface Ended {
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder of its own, removed after the test. */
export const temporaryFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file that only its owner may read. */
export const privateFile = (folder: string, name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

/** The real program; `data` is the folder in which it looks for an embedded system. */
export const startCrossfade = (argv: readonly string[], data: string): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, [join(PROJECT, 'bin', 'crossfade.js'), ...argv], {
    cwd: data,
    env: { ...process.env, CROSSFADE_DATA: data },
  })

export const runCrossfade = async (argv: readonly string[], data: string, stdin = ''): Promise<Ended> => {
  const child = startCrossfade(argv, data)
  child.stdin.end(stdin)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { exit: child.exitCode, stdout, stderr }
}

/** The same command line without a process of its own: half a second less each. */
export const runInProcess = async (
  argv: readonly string[],
  data: string,
  signal: AbortSignal = new AbortController().signal,
  clock: Clock = systemClock,
): Promise<Ended> => {
  const written = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof written) => ({
    write: (chunk: string | Uint8Array) => {
      written[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1')
      return true
    },
  })
  const io = {
    stdin: Readable.from([]),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env: { CROSSFADE_DATA: data },
    clock,
    signal,
  }
  return { exit: await run(argv, io), ...written }
}

/** The object that `--json` promises as the last line of standard output. */
export const lastObject = ({ stdout }: Ended): Record<string, unknown> =>
  JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
