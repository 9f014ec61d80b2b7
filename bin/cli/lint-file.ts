import { readFile } from 'node:fs/promises'
import { type DocumentFinding, type DocumentSurroundings, lintDocument } from '../../flags/lint-document.ts'
import { cliFault } from './faults.ts'

/** What lint finds in a file of flags. */
export const lintFile = async (path: string, around: DocumentSurroundings): Promise<readonly DocumentFinding[]> => {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw cliFault('file-unusable', `${path}: ${cause.code}`)
  })
  const findings = lintDocument(parseJson(text), around)
  if (findings !== null) return findings
  throw cliFault('file-unusable', `${path}: not the client-features format of Unleash`)
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
