import { EventEmitter } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Constraint, Feature, FlagDefinition, Segment, Strategy } from '../../flags/definition.ts'
import { flagName } from '../../flags/definition.ts'
import type { Phase } from '../../flags/phase.ts'
import { type FlagSnapshot, parseSnapshot } from '../../flags/snapshot.ts'
import type { FlagSource, FlagSourceEvents, SourceState } from '../../flags/source.ts'

/** A strategy as Unleash writes one: by default 100 % at the phase. */
export const step = (integration: string, phase: Phase, percent = 100, constraints: Constraint[] = []): Strategy => ({
  name: 'flexibleRollout',
  parameters: { groupId: flagName(integration), rollout: String(percent), stickiness: 'customerId' },
  constraints,
  segments: [],
  variants: [
    {
      name: phase,
      weight: 1000,
      weightType: 'variable',
      stickiness: 'customerId',
      payload: { type: 'json', value: JSON.stringify({ phase }) },
    },
  ],
})

export const where = (contextName: string, operator: string, ...values: string[]): Constraint => ({
  contextName,
  operator,
  values,
  inverted: false,
  caseInsensitive: false,
})

export const date = (operator: 'DATE_AFTER' | 'DATE_BEFORE', at: number): Constraint => ({
  ...where('currentTime', operator),
  value: new Date(at).toISOString(),
})

export const flag = (integration: string, strategies: Strategy[], more: Partial<Feature> = {}): Feature => ({
  name: flagName(integration),
  enabled: true,
  strategies,
  variants: [],
  dependencies: [],
  ...more,
})

export const definition = (feature: Feature, segments: Segment[] = [], parents: Feature[] = []): FlagDefinition => ({
  feature,
  segments,
  parents,
})

export const document = (features: readonly unknown[], more: object = {}) => ({
  version: 2,
  features,
  segments: [],
  query: { environment: 'development' },
  ...more,
})

export const snapshot = (features: readonly unknown[], more: object = {}): FlagSnapshot => {
  const answer = parseSnapshot(document(features, more), null)
  if (answer.kind === 'refused') throw new Error(answer.detail)
  return answer.snapshot
}

/** A source that says what the test gives it. */
export interface HandSource extends FlagSource {
  give(features: readonly unknown[], more?: object): void
  become(state: SourceState): void
}

export const makeHandSource = (features: readonly unknown[] | null = null): HandSource => {
  const events = new EventEmitter<FlagSourceEvents>()
  let current = features === null ? null : snapshot(features)
  let state: SourceState = { lastSuccess: null, stale: features === null, error: null }
  const become = (next: SourceState) => {
    state = next
    events.emit('state', state)
  }
  return {
    kind: 'file',
    origin: 'by hand',
    events,
    snapshot: () => current,
    state: () => state,
    become,
    give: (next, more) => {
      current = snapshot(next, more)
      if (state.stale) become({ lastSuccess: 0, stale: false, error: null })
      events.emit('flags', current)
    },
    stop: async () => {},
  }
}

/** A folder for one test, and a way to write the flags file as an editor or a deployment does: by rename. */
export async function flagsFolder(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-flags-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'flags.json')
  const write = async (content: unknown) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    await writeFile(`${path}.next`, text)
    await rename(`${path}.next`, path)
  }
  return { path, write }
}
