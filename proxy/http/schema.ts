import { z } from 'zod'

/** As much of an OpenAPI document as is written here. */
export type Json = Readonly<Record<string, unknown>>

/** A schema of OpenAPI 3.1 is JSON Schema 2020-12 as it is. */
export function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json
  return rest
}

/** The parameters of an object schema, one a key. */
export function parameters(schema: z.ZodObject, where: 'path' | 'query'): readonly Json[] {
  const { properties = {}, required = [] } = jsonSchema(schema) as {
    readonly properties?: Readonly<Record<string, Json>>
    readonly required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }))
}

export const jsonBody = (schema: z.ZodType): Json => ({
  content: { 'application/json': { schema: jsonSchema(schema) } },
})

export const PROBLEM_RESPONSE: Json = {
  description: 'Refused or failed; `code` is one of docs/errors.md.',
  headers: { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds, where trying again makes sense.' } },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

const text = { type: 'string' }

export const COMPONENTS: Json = {
  securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
  schemas: {
    Problem: {
      type: 'object',
      required: ['type', 'title', 'status', 'detail', 'code', 'next', 'instance'],
      properties: {
        type: { ...text, format: 'uri-reference' },
        title: text,
        status: { type: 'integer' },
        detail: text,
        code: text,
        next: { ...text, description: 'What to do.' },
        instance: { ...text, description: 'urn:uuid of the request.' },
      },
    },
  },
}
