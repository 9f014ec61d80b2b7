import { type FileHandle, open } from 'node:fs/promises'
import { parse } from 'yaml'
import { accessFault } from './faults.ts'
import { type TokenEntry, tokenFileSchema } from './token.ts'

const OTHERS = 0o077

/**
 * Reads and judges the tokens file. Rejects with `tokens-file-exposed` if group or others have any right on it, and with
 * `tokens-file-invalid` for everything else. The rights are those of the opened file, so it cannot be exchanged between.
 */
export const loadTokens = async (path: string): Promise<readonly TokenEntry[]> => {
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw accessFault('tokens-file-invalid', `${path}: ${cause.code ?? 'cannot be opened'}`, { cause })
  })
  try {
    await assertPrivate(path, file)
    return parseTokens(path, await file.readFile('utf8'))
  } finally {
    await file.close()
  }
}

async function assertPrivate(path: string, file: FileHandle): Promise<void> {
  if (process.platform === 'win32') return
  const { mode } = await file.stat()
  if ((mode & OTHERS) === 0) return
  const rights = (mode & 0o777).toString(8)
  throw accessFault('tokens-file-exposed', `${path} has the rights ${rights}; run chmod 600 on it`)
}

/** Never quotes the text: a token pasted into the file by mistake must not appear in an error. */
function parseTokens(path: string, text: string): readonly TokenEntry[] {
  let document: unknown
  try {
    document = parse(text)
  } catch {
    throw accessFault('tokens-file-invalid', `${path}: not YAML`)
  }
  const parsed = tokenFileSchema.safeParse(document ?? [])
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map(({ path: at, code }) => `${at.join('.') || 'file'} (${code})`)
  throw accessFault('tokens-file-invalid', `${path}: ${where.join(', ')}`)
}
