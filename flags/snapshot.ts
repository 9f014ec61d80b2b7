import { z } from 'zod'
import {
  type Feature,
  type FlagDefinition,
  featureSchema,
  flagName,
  type Segment,
  segmentSchema,
} from './definition.ts'
import { randomness } from './determinism.ts'

/*
 * A snapshot is one whole answer in Unleash's client-features format. It is judged in two steps: a document that is not
 * of this format, or is of another environment, is refused whole (`parseSnapshot`); a single flag that cannot be used is
 * reported when its integration asks for it (`readFlag`), so one broken flag holds one integration and no other.
 */

const named = z.looseObject({ name: z.string() })

const documentSchema = z.looseObject({
  version: z.number(),
  features: z.array(named),
  segments: z.array(z.unknown()).nullish(),
  query: z.looseObject({ environment: z.string().optional() }).nullish(),
})

/** One accepted answer of a source; features are kept as they came, and parsed when read. */
export interface FlagSnapshot {
  readonly features: ReadonlyMap<string, unknown>
  /** Names that occur more than once: nobody can say which is meant. */
  readonly ambiguous: ReadonlySet<string>
  readonly segments: ReadonlyMap<number, Segment>
  /** As the answer names it; null where it does not. */
  readonly environment: string | null
}

export type SnapshotAnswer =
  | { readonly kind: 'snapshot'; readonly snapshot: FlagSnapshot }
  | { readonly kind: 'refused'; readonly why: 'malformed' | 'wrong-environment'; readonly detail: string }

const firstIssue = (error: z.ZodError): string =>
  error.issues
    .slice(0, 1)
    .map((issue) => `${issue.path.join('.') || 'document'}: ${issue.message}`)
    .join('')

/**
 * Judges a parsed JSON document. With `environment` given, an answer that names another one is refused: a token of
 * another environment otherwise looks like "everybody off" (measured on unleash-server 7.5.1). `named`: one that names
 * none is refused, too; a server always does, a file written by hand need not.
 */
export const parseSnapshot = (
  document: unknown,
  environment: string | null,
  { named: mustBeNamed = false }: { readonly named?: boolean } = {},
): SnapshotAnswer => {
  const parsed = documentSchema.safeParse(document)
  if (!parsed.success) return { kind: 'refused', why: 'malformed', detail: firstIssue(parsed.error) }
  const named = parsed.data.query?.environment ?? null
  if (environment !== null && named !== environment && (named !== null || mustBeNamed)) {
    const detail = `the answer is of environment ${named ?? 'nobody knows which'}, the configuration names ${environment}`
    return { kind: 'refused', why: 'wrong-environment', detail }
  }
  return { kind: 'snapshot', snapshot: assemble(parsed.data, named) }
}

function assemble(document: z.output<typeof documentSchema>, environment: string | null): FlagSnapshot {
  const features = new Map<string, unknown>()
  const ambiguous = new Set<string>()
  for (const feature of document.features) {
    if (features.has(feature.name)) ambiguous.add(feature.name)
    features.set(feature.name, feature)
  }
  const segments = new Map<number, Segment>()
  for (const candidate of document.segments ?? []) {
    const parsed = segmentSchema.safeParse(candidate)
    if (parsed.success) segments.set(parsed.data.id, parsed.data)
  }
  return { features, ambiguous, segments, environment }
}

export type FlagReading =
  | { readonly kind: 'present'; readonly definition: FlagDefinition }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unusable'; readonly detail: string }

/** What the snapshot says of one integration: its definition, told from missing and from one that cannot be used. */
export const readFlag = (snapshot: FlagSnapshot, integration: string): FlagReading =>
  readFeature(snapshot, flagName(integration))

export const readFeature = (snapshot: FlagSnapshot, name: string): FlagReading => {
  const raw = snapshot.features.get(name)
  if (raw === undefined) return { kind: 'missing' }
  if (snapshot.ambiguous.has(name)) return { kind: 'unusable', detail: `two flags are named ${name}` }
  const parsed = featureSchema.safeParse(raw)
  if (!parsed.success) return { kind: 'unusable', detail: firstIssue(parsed.error) }
  return complete(parsed.data, snapshot)
}

function complete(raw: Feature, snapshot: FlagSnapshot): FlagReading {
  const feature = { ...raw, dependencies: withoutRepeats(raw.dependencies) }
  const parents: Feature[] = []
  for (const { feature: parent } of feature.dependencies) {
    const parsed = featureSchema.safeParse(snapshot.features.get(parent))
    if (!parsed.success) return { kind: 'unusable', detail: `its parent flag ${parent} is missing or malformed` }
    parents.push(parsed.data)
  }
  const used = usedSegments([feature, ...parents])
  const segments = used.flatMap((id) => snapshot.segments.get(id) ?? [])
  if (segments.length < used.length)
    return { kind: 'unusable', detail: 'it names a segment that is missing or malformed' }
  const random = [feature, ...parents].map(randomness).find((detail) => detail !== null)
  if (random !== undefined && random !== null) return { kind: 'unusable', detail: random }
  return { kind: 'present', definition: { feature, segments, parents } }
}

/** Unleash repeats a dependency once a strategy of the child (measured). */
const withoutRepeats = (dependencies: Feature['dependencies']): Feature['dependencies'] => [
  ...new Map(dependencies.map((dependency) => [dependency.feature, dependency])).values(),
]

const usedSegments = (features: readonly Feature[]): number[] => [
  ...new Set(features.flatMap((feature) => feature.strategies.flatMap((strategy) => strategy.segments))),
]
