import { cliFault } from './faults.ts'

/** The option that every verb with a selector has beside it. */
export const ALL_OPTION = ['--all', 'every integration'] as const
export const SELECTOR_HELP = 'a name, a glob (aws-*), or owner=TEAM'

/** What the verb is about. `otherwise`: what it means to name nothing; null if something must be named. */
export const selectorOf = (given: string | undefined, all: boolean | undefined, otherwise: '*' | null): string => {
  if (given !== undefined && all) throw cliFault('usage', `${given} and --all exclude each other`)
  if (given !== undefined) return given
  if (all) return '*'
  if (otherwise === null) throw cliFault('usage', 'name an integration, a glob or owner=TEAM, or say --all')
  return otherwise
}
