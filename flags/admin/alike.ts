import { type Constraint, definitionKey, type Strategy, type Variant } from '../definition.ts'

/*
 * Whether two strategies decide alike. Unleash fills in what was left out and keeps titles that people edit, so only what
 * evaluation uses is compared, with the defaults that evaluation would use.
 */

const bare = ({ contextName, operator, values, value, inverted, caseInsensitive }: Constraint) => ({
  contextName,
  operator,
  values: [...values].sort(),
  value: value === undefined || value === '' ? null : instantOf(operator, value),
  inverted,
  caseInsensitive,
})

/** The same instant may be written with and without milliseconds. */
const instantOf = (operator: string, value: string | number): string =>
  operator.startsWith('DATE_') ? String(new Date(value).getTime()) : String(value)

const payloadOf = ({ name, payload }: Variant) => ({ name, payload: payload ?? null })

/** One variant takes everybody, whatever its weight is called. */
const variantsOf = (variants: readonly Variant[]) =>
  variants.length <= 1 ? variants.map(payloadOf) : variants.map((variant) => ({ ...variant, overrides: undefined }))

const parametersOf = (strategy: Strategy) =>
  Object.fromEntries(Object.entries(strategy.parameters).map(([name, value]) => [name, String(value)]))

/** Whom the strategy is about, whatever it says of them. */
export const scopeKey = ({ name, constraints, segments, parameters }: Strategy): string =>
  keyOf({
    name,
    constraints: constraints.map(bare),
    segments: [...segments].sort((a, b) => a - b),
    groupId: parameters['groupId'] ?? null,
    stickiness: parameters['stickiness'] ?? null,
  })

export const strategyKey = (strategy: Strategy): string =>
  keyOf({ scope: scopeKey(strategy), parameters: parametersOf(strategy), variants: variantsOf(strategy.variants) })

/** The order of keys means nothing. */
const keyOf = (value: object): string => definitionKey(value as Parameters<typeof definitionKey>[0])

export const isAlike = (a: Strategy, b: Strategy): boolean => strategyKey(a) === strategyKey(b)
