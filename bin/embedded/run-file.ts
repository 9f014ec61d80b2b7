import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

/** What a running `serve` tells the other verbs. Holds paths of token files, never a token. */
const runFileSchema = z.object({
  pid: z.int().positive(),
  /** `http://127.0.0.1:8700`: the API for secrets. */
  clients: z.url(),
  /** The operators' port. */
  operators: z.url(),
  token_files: z.object({ client: z.string(), viewer: z.string(), operator: z.string() }),
  config: z.string(),
  flags: z.string().nullable(),
})
export type RunFile = z.infer<typeof runFileSchema>

/** Written beside and renamed, so that a reader finds all of it or nothing. */
export const writeRunFile = (path: string, run: RunFile): void => {
  const beside = `${path}.${process.pid}`
  writeFileSync(beside, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 })
  renameSync(beside, path)
}

export const removeRunFile = (path: string): void => rmSync(path, { force: true })

/** The system that runs now; null if there is none, or if it ended without removing its file. */
export const readRunFile = (path: string): RunFile | null => {
  const parsed = runFileSchema.safeParse(readJson(path))
  return parsed.success && isRunning(parsed.data.pid) ? parsed.data : null
}

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
