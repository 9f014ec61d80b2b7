import { makeGlob } from '../core/glob.ts'

/** One cohort; its members come from exactly one of the ways to name them. */
export type CohortRule =
  | { readonly name: string; readonly kind: 'customers'; readonly customers: ReadonlySet<string> }
  | { readonly name: string; readonly kind: 'pattern'; readonly pattern: string }
  | { readonly name: string; readonly kind: 'rest' }

/** Which named group of customers a customer belongs to. */
export interface Cohorts {
  /** In the order of the configuration. */
  readonly names: readonly string[]
  /** The first rule that matches; every customer has exactly one cohort. */
  of(customer: string): string
}

/** The last rule takes the rest, so nobody is without a cohort; the configuration's schema sees to it. */
export const makeCohorts = (rules: readonly CohortRule[]): Cohorts => {
  const tests = rules.map((rule) => ({ name: rule.name, has: memberTest(rule) }))
  const last = rules.at(-1)
  if (last?.kind !== 'rest') throw new TypeError('the last cohort must take the rest')
  return {
    names: rules.map(({ name }) => name),
    of: (customer) => tests.find(({ has }) => has(customer))?.name ?? last.name,
  }
}

/** Cohorts whose rules may be replaced; whoever holds them goes by the new ones at the next question. */
export interface ReplaceableCohorts extends Cohorts {
  rules(): readonly CohortRule[]
  replace(rules: readonly CohortRule[]): void
}

export const makeReplaceableCohorts = (first: readonly CohortRule[]): ReplaceableCohorts => {
  let rules = first
  let cohorts = makeCohorts(rules)
  return {
    get names() {
      return cohorts.names
    },
    of: (customer) => cohorts.of(customer),
    rules: () => rules,
    replace: (next) => {
      rules = next
      cohorts = makeCohorts(next)
    },
  }
}

function memberTest(rule: CohortRule): (customer: string) => boolean {
  switch (rule.kind) {
    case 'customers':
      return (customer) => rule.customers.has(customer)
    case 'pattern': {
      const glob = makeGlob(rule.pattern)
      return (customer) => glob.matches(customer)
    }
    case 'rest':
      return () => true
  }
}
