import { accessSync, constants, existsSync, statSync } from 'node:fs'
import type { CheckResult } from './check.ts'
import type { CrossfadeConfig } from './schema.ts'

/** Files that hold no secret: anybody may read them. */
const PUBLIC = ['customers_file', 'ca_file', 'client_cert_file']
/** Crossfade's own, made when it is needed. */
const WRITTEN = ['caps_file']

/** Every file that the configuration names is there, may be read, and is nobody else's to read if it holds a secret. */
export async function fileChecks(config: CrossfadeConfig): Promise<readonly CheckResult[]> {
  return namedFiles(config, []).map(({ path, file, secret }) => ({
    subject: path,
    ...judge(file, secret),
    ...endOfKey(path, file),
  }))
}

interface NamedFile {
  readonly path: string
  readonly file: string
  readonly secret: boolean
}

function namedFiles(value: unknown, path: readonly string[]): readonly NamedFile[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, below]) => {
    if (!key.endsWith('_file')) return namedFiles(below, [...path, key])
    if (typeof below !== 'string' || WRITTEN.includes(key)) return []
    return [{ path: [...path, key].join('.'), file: below, secret: !PUBLIC.includes(key) }]
  })
}

/** Destroyed with the last integration that is finalized; serve says so where it is too early for that. */
function endOfKey(path: string, file: string): Partial<Omit<CheckResult, 'subject'>> {
  if (path !== 'ledger.fingerprint_key_file' || existsSync(file)) return {}
  return { level: 'warning', message: `${file} does not exist: right only once every integration is finalized` }
}

function judge(file: string, secret: boolean): Omit<CheckResult, 'subject'> {
  try {
    accessSync(file, constants.R_OK)
    const { mode, size } = statSync(file)
    if (size === 0) return { level: 'problem', message: `${file} is empty` }
    const open = secret && process.platform !== 'win32' && (mode & 0o077) !== 0
    if (open) return { level: 'warning', message: `${file} may be read by others than its owner: chmod 600 it` }
    return { level: 'ok', message: file }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    return { level: 'problem', message: `${file} ${why}` }
  }
}
