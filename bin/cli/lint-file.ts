import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { featureSchema, segmentSchema } from '../../flags/definition.ts'
import { type LintFinding, lintFlag } from '../../flags/lint.ts'
import { cliFault } from './faults.ts'

export type FileFinding = LintFinding & { readonly flag: string }

const fileSchema = z.object({ features: z.array(featureSchema), segments: z.array(segmentSchema).default([]) })

/** What lint finds in a file of flags; `cohorts` null: those are not checked. */
export const lintFile = async (path: string, cohorts: readonly string[] | null): Promise<readonly FileFinding[]> => {
  const { features, segments } = await readFlags(path)
  const surroundings = { segments: new Map(segments.map((segment) => [segment.id, segment])), cohorts }
  return features
    .filter(({ name }) => name.startsWith('crossfade.'))
    .flatMap((feature) => lintFlag(feature, surroundings).map((finding) => ({ flag: feature.name, ...finding })))
}

const readFlags = async (path: string): Promise<z.output<typeof fileSchema>> => {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw cliFault('file-unusable', `${path}: ${cause.code}`)
  })
  const parsed = fileSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw cliFault('file-unusable', `${path}: not the client-features format of Unleash`)
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
