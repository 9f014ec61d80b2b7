import { readFile, writeFile } from 'node:fs/promises'
import { InvalidArgumentError } from 'commander'
import { cliFault } from './faults.ts'
import type { Io } from './io.ts'

/** The bytes to store. A value never comes from an option: those are seen by every user of the machine. */
export const readValue = async (
  file: string | undefined,
  io: Io,
  note: (text: string) => void,
): Promise<Uint8Array> => {
  if (file !== undefined) return readFile(file).catch((cause) => unusable(file, cause))
  if (io.stdin.isTTY) note('type the value; Ctrl-D ends it')
  const chunks: Buffer[] = []
  for await (const chunk of io.stdin.iterator()) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** Never over a file that is there, whose rights might let others read it. */
export const writeValue = (file: string, value: Uint8Array): Promise<void> =>
  writeFile(file, value, { mode: 0o600, flag: 'wx' }).catch((cause) => unusable(file, cause))

const unusable = (file: string, { code }: NodeJS.ErrnoException): never => {
  throw cliFault('file-unusable', code === 'EEXIST' ? `${file} exists already` : `${file}: ${code}`)
}

/** For `--meta key=value`, which may be given several times. */
export const collectMeta = (text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const [, key, value = ''] = /^([a-z0-9-]{1,64})=(.*)$/s.exec(text) ?? []
  if (key === undefined) throw new InvalidArgumentError('expected key=value, the key of a-z, 0-9 and -.')
  return { ...before, [key]: value }
}
