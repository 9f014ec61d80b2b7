import { randomBytes } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { ledgerFault } from '../../ledger/faults.ts'
import type { IntegrationRow } from '../../ledger/ledger.ts'
import type { CrossfadeConfig } from '../config/schema.ts'

/*
 * The fingerprint key ends with the migration: under it, somebody who guesses a value could see in an old copy of the
 * ledger whether he is right. It is destroyed when every integration is finalized, and a process starts without it
 * from then on. Only the file of this machine is destroyed here; the event says so.
 */

/** Whether the key has nothing left to do, or will have nothing when `last` is finalized, too. */
export function isOver(config: CrossfadeConfig, rows: readonly IntegrationRow[], last: string | null): boolean {
  const states = new Map<string, string>(rows.map(({ integration, state }) => [integration, state]))
  if (last !== null) states.set(last, 'finalized')
  const configured = Object.keys(config.integrations)
  // The ledger may also know integrations that this configuration does not.
  return (
    configured.length > 0 &&
    configured.every((name) => states.get(name) === 'finalized') &&
    [...states.values()].every((state) => state === 'finalized' || state === 'bare')
  )
}

/** Throws `fingerprint-key-missing` where the key is not there and an integration is not finalized. */
export function assertFingerprintKey(config: CrossfadeConfig, rows: readonly IntegrationRow[]): void {
  const file = config.ledger.fingerprint_key_file
  if (!existsSync(file) && !isOver(config, rows, null)) throw missingKey(file)
}

export const missingKey = (file: string) => ledgerFault('fingerprint-key-missing', file)

/** Another option that names the same file keeps it alive; its name, or null. */
export function otherUseOf(config: CrossfadeConfig): string | null {
  const { ledger, ...rest } = config
  const { fingerprint_key_file: file, ...others } = ledger
  const key = realpathSync(file)
  const names = filesIn({ ...rest, ledger: others }, [])
  return names.find(({ path }) => existsSync(path) && realpathSync(path) === key)?.option ?? null
}

function filesIn(value: unknown, at: readonly string[]): readonly { readonly option: string; readonly path: string }[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, below]) =>
    key.endsWith('_file') && typeof below === 'string'
      ? [{ option: [...at, key].join('.'), path: below }]
      : filesIn(below, [...at, key]),
  )
}

/**
 * Writes over the file, takes its name away and removes it; safe to repeat after a kill. A disk that copies on write may
 * keep the old blocks: where that matters, keep the key on a file system in memory.
 */
export async function destroyKeyFile(file: string): Promise<void> {
  const doomed = `${file}.destroyed`
  if (existsSync(file)) {
    const handle = await open(file, 'r+')
    try {
      const { size } = await handle.stat()
      await handle.write(randomBytes(Math.max(1, size)), 0)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(file, doomed)
  }
  await rm(doomed, { force: true })
}
