import type { TestContext } from 'node:test'
import { makeCapBook } from '../../flags/caps.ts'
import { makeCohorts } from '../../flags/cohorts.ts'
import { makeVolatileMemory } from '../../flags/memory.ts'
import { makePhases, type PhasesParts } from '../../flags/phases.ts'
import { makeDrivenClock } from '../access/driven-clock.ts'
import { flag, makeHandSource, step } from './at-hand.ts'

export const cohorts = makeCohorts([
  { name: 'pilot', kind: 'customers', customers: new Set(['acme']) },
  { name: 'general', kind: 'rest' },
])

/** A flag that puts everybody at one phase. */
export const at = (integration: string, phase: Parameters<typeof step>[1]) =>
  flag(integration, [step(integration, phase)])

/** Phases over a source, a clock and a memory that the test holds in its hand. */
export function build(t: TestContext, given: Partial<PhasesParts> = {}) {
  const source = makeHandSource()
  const clock = makeDrivenClock()
  const memory = makeVolatileMemory()
  const caps = makeCapBook()
  const integrations = ['aws', 'github', 'azure', 'gitlab']
  const parts = { source, clock, memory, caps, cohorts, integrations, pin: () => null, maxMoves: null, ...given }
  const phases = makePhases(parts)
  t.after(() => phases.stop())
  return { source, clock, memory, caps, phases }
}
