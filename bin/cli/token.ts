import { readFileSync, statSync } from 'node:fs'
import { cliFault } from './faults.ts'

const OTHERS = 0o077

/** The one token of a file; refuses a file that others may read, since the token in it is no secret any more. */
export const readToken = (path: string): string => {
  const token = readText(path).trim()
  if (token === '' || /\s/.test(token)) throw cliFault('token-file-unusable', `${path} does not hold one token`)
  return token
}

const readText = (path: string): string => {
  try {
    const exposed = process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0
    if (exposed) throw cliFault('token-file-unusable', `others may read ${path}`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'token-file-unusable') throw error
    throw cliFault('token-file-unusable', `${path}: ${code ?? 'cannot be read'}`)
  }
}
