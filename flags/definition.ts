import { z } from 'zod'

/*
 * What is read of Unleash's client-features format. Parsing drops what evaluation does not use (descriptions, dates of
 * creation, impression data), so two definitions that decide alike compare equal and can be remembered as plain JSON.
 */

const constraintSchema = z.object({
  contextName: z.string(),
  operator: z.string(),
  values: z.array(z.string()).default([]),
  value: z.union([z.string(), z.number()]).optional(),
  inverted: z.boolean().default(false),
  caseInsensitive: z.boolean().default(false),
})

const variantSchema = z.object({
  name: z.string(),
  weight: z.number().default(0),
  weightType: z.string().optional(),
  stickiness: z.string().optional(),
  payload: z.object({ type: z.string(), value: z.string() }).optional(),
  overrides: z.array(z.object({ contextName: z.string(), values: z.array(z.string()) })).optional(),
})

const strategySchema = z.object({
  name: z.string(),
  title: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).default({}),
  constraints: z
    .array(constraintSchema)
    .nullish()
    .transform((list) => list ?? []),
  segments: z
    .array(z.number())
    .nullish()
    .transform((list) => list ?? []),
  variants: z
    .array(variantSchema)
    .nullish()
    .transform((list) => list ?? []),
})

const dependencySchema = z.object({
  feature: z.string(),
  enabled: z.boolean().optional(),
  variants: z.array(z.string()).optional(),
})

export const featureSchema = z.object({
  name: z.string(),
  enabled: z.boolean(),
  strategies: z.array(strategySchema),
  variants: z
    .array(variantSchema)
    .nullish()
    .transform((list) => list ?? []),
  dependencies: z
    .array(dependencySchema)
    .nullish()
    .transform((list) => list ?? []),
})

export const segmentSchema = z.object({
  id: z.number(),
  name: z.string().optional(),
  constraints: z.array(constraintSchema).default([]),
})

export type Constraint = z.output<typeof constraintSchema>
export type Variant = z.output<typeof variantSchema>
export type Strategy = z.output<typeof strategySchema>
export type Feature = z.output<typeof featureSchema>
export type Segment = z.output<typeof segmentSchema>

/** One integration's flag with all that its evaluation needs; plain JSON. */
export interface FlagDefinition {
  readonly feature: Feature
  /** The segments that its strategies and its parents' strategies name. */
  readonly segments: readonly Segment[]
  /** The flags that it depends on. */
  readonly parents: readonly Feature[]
}

export const FLAG_PREFIX = 'crossfade.'

/** The name of the one flag that holds an integration's ladder. */
export const flagName = (integration: string): string => `${FLAG_PREFIX}${integration}`

const sorted = (_key: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

/** Equal for two definitions that decide alike, whatever the order of their keys. */
export const definitionKey = (definition: FlagDefinition): string => JSON.stringify(definition, sorted)
