import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { type Feature, featureSchema, flagName } from './definition.ts'
import { flagsFault } from './faults.ts'
import { makeLadder, type PhaseEdit, setPhase } from './ladder.ts'
import type { Phase } from './phase.ts'

/*
 * Writing the flags file. Readers see the old file or the new one, never a part: the text is written and synced beside
 * it, then renamed over it. Edits of one process run one after the other; whatever the file holds besides is kept.
 */

const fileSchema = z.looseObject({ features: z.array(z.looseObject({ name: z.string() })) })
export type FlagDocument = z.output<typeof fileSchema>

export interface SetRequest extends PhaseEdit {
  readonly integration: string
}

export interface FlagFile {
  /** Applies these edits in one rename, all or none. Rejects with `flags-file-malformed` or `flag-not-editable`. */
  set(requests: readonly SetRequest[]): Promise<void>
}

const stringify = (document: unknown): string => `${JSON.stringify(document, null, 2)}\n`

export const makeFlagFile = (path: string): FlagFile => {
  let queue: Promise<unknown> = Promise.resolve()
  return {
    set: (requests) => {
      const edit = queue.then(async () =>
        writeAtomically(path, stringify(editDocument((await readDocument(path)).document, requests))),
      )
      queue = edit.catch(() => {})
      return edit
    },
  }
}

/** A new flags file with one ladder an integration, all at one phase. */
export const writeFlagFile = (
  path: string,
  options: { readonly integrations: readonly string[]; readonly environment: string; readonly phase?: Phase },
): Promise<void> =>
  writeAtomically(
    path,
    stringify({
      version: 2,
      features: options.integrations.map((integration) => makeLadder(integration, options.phase)),
      segments: [],
      query: { environment: options.environment },
    }),
  )

export async function readDocument(path: string): Promise<{ readonly text: string; readonly document: FlagDocument }> {
  try {
    const text = await readFile(path, 'utf8')
    return { text, document: fileSchema.parse(JSON.parse(text)) }
  } catch (cause) {
    const detail = cause instanceof z.ZodError ? (cause.issues[0]?.message ?? 'not of the format') : String(cause)
    throw flagsFault('flags-file-malformed', `${path}: ${detail}`, { cause })
  }
}

/** Replaces the file that still reads `before`; false: it does not any more, and nothing was written. */
export async function writeDocument(path: string, before: string, document: FlagDocument): Promise<boolean> {
  if ((await readFile(path, 'utf8')) !== before) return false
  await writeAtomically(path, stringify(document))
  return true
}

function editDocument(document: FlagDocument, requests: readonly SetRequest[]): FlagDocument {
  const features = new Map<string, FlagDocument['features'][number]>(
    document.features.map((feature) => [feature.name, feature]),
  )
  for (const request of requests) {
    const name = flagName(request.integration)
    const raw = features.get(name)
    const edit = setPhase(raw === undefined ? null : parseFeature(raw), request.integration, request)
    if (edit.kind === 'refused') throw flagsFault('flag-not-editable', `${name}: ${edit.detail}`)
    const { enabled, strategies } = edit.feature
    features.set(name, { ...(raw ?? edit.feature), enabled, strategies })
  }
  return { ...document, features: [...features.values()] }
}

export function parseFeature(raw: { readonly name: string }): Feature {
  const parsed = featureSchema.safeParse(raw)
  if (parsed.success) return parsed.data
  throw flagsFault('flag-not-editable', `${raw.name}: ${parsed.error.issues[0]?.message ?? 'not of the format'}`)
}

async function writeAtomically(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(beside, 'wx', 0o644)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

/** Makes the rename itself durable; not every system lets a folder be opened. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null)
  await folder?.sync().catch(() => {})
  await folder?.close()
}
