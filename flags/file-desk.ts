import { isFault } from '../core/fault.ts'
import { isAlike } from './admin/alike.ts'
import { type Feature, flagName } from './definition.ts'
import type { Ask, Difference, FlagDesk, Look, Watch, Written } from './desk.ts'
import { flagsFault } from './faults.ts'
import { type FlagDocument, parseFeature, readDocument, writeDocument } from './flag-file.ts'

/*
 * Writes flags into the flags file: everything that differs in one rename, so that readers see all of it or nothing. The
 * text is read again just before the rename; if another program was quicker, the edits are worked out anew on what it
 * wrote.
 */

const TRIES = 5

export const makeFileDesk = (path: string): FlagDesk => {
  let queue: Promise<unknown> = Promise.resolve()
  const writeOnce = async (asks: readonly Ask[]): Promise<readonly Written[] | null> => {
    const { text, document } = await readDocument(path)
    const looks = asks.map((ask) => lookAt(document, ask))
    if (!looks.some(({ kind }) => kind === 'differs')) return looks.map(asWritten)
    const written = await writeDocument(path, text, withFeatures(document, looks.flatMap(differenceIn)))
    return written ? looks.map(asWritten) : null
  }
  const write = async (asks: readonly Ask[], { onWritten }: Watch): Promise<readonly Written[]> => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const written = await writeOnce(asks)
      if (written === null) continue
      for (const [index, { integration }] of asks.entries()) onWritten?.(integration, written[index] as Written)
      return written
    }
    throw flagsFault('flag-disturbed', path)
  }
  return {
    kind: 'file',
    origin: path,
    look: async (asks) => {
      const { document } = await readDocument(path)
      return asks.map((ask) => lookAt(document, ask))
    },
    write: (asks, watch = {}) => {
      const mine = queue.then(() => write(asks, watch))
      queue = mine.catch(() => undefined)
      return mine
    },
  }
}

function lookAt(document: FlagDocument, { integration, edit }: Ask): Look {
  try {
    const raw = document.features.find(({ name }) => name === flagName(integration))
    const before = raw === undefined ? null : parseFeature(raw)
    const edited = edit(before)
    if (edited.kind === 'refused') return edited
    const after = edited.feature
    if (before !== null && isSame(before, after)) return { kind: 'same', feature: before }
    const notes = [...(before === null ? ['made'] : []), ...switched(before, after)]
    return { kind: 'differs', before, after, notes }
  } catch (error) {
    if (isFault(error)) return { kind: 'failed', fault: error }
    throw error
  }
}

const isSame = (a: Feature, b: Feature): boolean =>
  a.enabled === b.enabled &&
  a.strategies.length === b.strategies.length &&
  a.strategies.every((strategy, index) => isAlike(strategy, b.strategies[index] as Feature['strategies'][number])) &&
  a.variants.length + a.dependencies.length === b.variants.length + b.dependencies.length

const switched = (before: Feature | null, after: Feature): readonly string[] =>
  before === null || before.enabled === after.enabled ? [] : [`switched ${after.enabled ? 'on' : 'off'}`]

const differenceIn = (look: Look): readonly Difference[] => (look.kind === 'differs' ? [look] : [])

const asWritten = (look: Look): Written => (look.kind === 'differs' ? { ...look, kind: 'written' } : look)

/** What a flag holds besides, such as its description, is kept. */
function withFeatures(document: FlagDocument, differences: readonly Difference[]): FlagDocument {
  const features = new Map(document.features.map((feature) => [feature.name, feature]))
  for (const { after } of differences) features.set(after.name, { ...features.get(after.name), ...after })
  return { ...document, features: [...features.values()] }
}
