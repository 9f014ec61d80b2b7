import { type TestContext, type TestOptions, test } from 'node:test'

/** Where a case comes from: public reports, a hostile review, a team that tried it, a history check; `own`: found by ourselves. */
export const LISTS = ['field', 'review', 'trial', 'history', 'own'] as const
export type List = (typeof LISTS)[number]

/** `field 3: ` or `trial F1: ` begins a test's name, so that `npm run cases` can count what the runner tells. */
export const CASE_NAME = /^(field|review|trial|history|own) ([A-Z]?\d+[a-z]?): /

/**
 * Declares a test that shows one case of a list on real parts; several tests may show one case. `id` is the list's
 * own (`3`, `F1`, `H9`), or for `own` the next free number.
 */
export function caseOf(
  [list, id]: readonly [List, string],
  sentence: string,
  options: TestOptions,
  body: (t: TestContext) => Promise<void> | void,
): void {
  const name = `${list} ${id}: ${sentence}`
  if (!CASE_NAME.test(name)) throw new Error(`no case is called ${list} ${id}`)
  test(name, options, body)
}
