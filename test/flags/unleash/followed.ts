import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { systemClock } from '../../../core/clock.ts'
import { makeCapBook } from '../../../flags/caps.ts'
import type { Decision } from '../../../flags/decision.ts'
import { makeVolatileMemory } from '../../../flags/memory.ts'
import { makePhases, type Phases, type PhasesParts } from '../../../flags/phases.ts'
import type { FlagSource } from '../../../flags/source.ts'
import { makeUnleashSource, type UnleashSourceOptions } from '../../../flags/unleash-source.ts'
import { flagsFolder } from '../at-hand.ts'
import { cohorts } from '../phases-at-hand.ts'

/** A source that asks `url` with a token that the test may replace. */
export async function openSource(
  t: TestContext,
  given: { readonly url: string; readonly token: string } & Partial<UnleashSourceOptions>,
): Promise<{ readonly source: FlagSource; readonly replaceToken: (token: string) => Promise<void> }> {
  const { path: tokenFile } = await flagsFolder(t)
  const replaceToken = (token: string) => writeFile(tokenFile, `${token}\n`)
  await replaceToken(given.token)
  const { token: _, ...options } = given
  const source = makeUnleashSource({
    tokenFile,
    environment: 'development',
    refresh: 100,
    staleAfter: 30_000,
    instance: 'test',
    clock: systemClock,
    ...options,
  })
  t.after(() => source.stop())
  return { source, replaceToken }
}

/** Phases that follow a source; everything else is at hand. */
export async function follow(
  t: TestContext,
  source: FlagSource,
  given: Partial<PhasesParts> & { readonly integrations: readonly string[] },
): Promise<Phases> {
  const parts = { cohorts, memory: makeVolatileMemory(), caps: makeCapBook(), clock: systemClock, maxMoves: null }
  const phases = makePhases({ ...parts, pin: () => null, source, ...given })
  t.after(() => phases.stop())
  await phases.start()
  return phases
}

/** Resolves once the decision about a customer is as wanted; looked at whenever a snapshot was judged. */
export async function decided(
  phases: Phases,
  integration: string,
  wanted: (decision: Decision) => boolean,
  customer = 'acme',
): Promise<Decision> {
  for (;;) {
    const decision = phases.decide(integration, customer)
    if (wanted(decision)) return decision
    await once(phases.events, 'settled')
  }
}
