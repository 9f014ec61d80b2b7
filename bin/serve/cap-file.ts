import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { Cap } from '../../flags/caps.ts'
import { readCaps } from './cap-shape.ts'

/** Caps that the ledger does not have yet, beside this process: they outlive it where no other replica holds them. */
export interface CapFile {
  /** Replaces what was kept; nothing to keep: the file goes. A disk that fails is no reason to fail a rollback. */
  keep(caps: readonly Cap[]): void
  read(): readonly Cap[]
}

export const noCapFile: CapFile = { keep: () => undefined, read: () => [] }

export function makeCapFile(path: string, onError: (code: string) => void): CapFile {
  const quietly = <T>(work: () => T, otherwise: T): T => {
    try {
      return work()
    } catch (error) {
      onError(codeOf(error))
      return otherwise
    }
  }
  return {
    keep: (caps) =>
      quietly(() => {
        if (caps.length === 0) return rmSync(path, { force: true })
        const file = openSync(`${path}.new`, 'w', 0o600)
        try {
          writeSync(file, JSON.stringify(caps))
          fsyncSync(file)
        } finally {
          closeSync(file)
        }
        renameSync(`${path}.new`, path)
      }, undefined),
    read: () =>
      quietly(() => {
        if (!existsSync(path)) return []
        const found: unknown = JSON.parse(readFileSync(path, 'utf8'))
        return Array.isArray(found) ? readCaps(found) : []
      }, []),
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
