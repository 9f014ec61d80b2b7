import { makeGlob } from '../core/glob.ts'

/** What a selector looks at of an integration. */
export interface Selectable {
  readonly name: string
  readonly owner: string | null
}

export type Selector = (candidate: Selectable) => boolean

const OWNER = 'owner='

/** A name, a glob (`aws-*`), `owner=TEAM`, or `*` for all. */
export const makeSelector = (text: string): Selector => {
  if (text.startsWith(OWNER)) return ({ owner }) => owner === text.slice(OWNER.length)
  const glob = makeGlob(text)
  return ({ name }) => glob.matches(name)
}
