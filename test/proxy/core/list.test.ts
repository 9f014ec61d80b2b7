import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PHASES } from '../../../flags/phase.ts'
import { INTEGRATION, secretOf, withCore } from './with-core.ts'

const none = { kind: 'none' } as const
const at = (name: string) => ({ integration: INTEGRATION, customer: 'acme', name })

async function namesOf(core: Awaited<ReturnType<typeof withCore>>, limit: number): Promise<string[]> {
  const all: string[] = []
  for (let after: string | null = null; ; ) {
    const page = await core.secrets.list(INTEGRATION, 'acme', { limit, after })
    assert.ok(page.entries.length <= limit)
    all.push(...page.entries.map((entry) => entry.name))
    if (page.next === null) return all
    after = page.next
  }
}

const sorted = (names: Iterable<string>) => [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

for (const inventoried of [true, false]) {
  test(`every acknowledged write is listed once and no deleted one, ${inventoried ? 'after' : 'before'} the inventory`, async (t) => {
    const core = await withCore(t, { inventoried })
    const step = fc.record({
      name: fc.constantFrom('a', 'b/c', 'ä', 'z z', '\u{10000}', '\uffee', 'b'),
      phase: fc.constantFrom(...PHASES),
      remove: fc.boolean(),
    })
    const live = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 4 }), fc.integer({ min: 1, max: 4 }), async (steps, limit) => {
        for (const { name, phase, remove } of steps) {
          core.setPhase(phase)
          if (remove) await core.secrets.remove(at(name), none)
          else await core.secrets.write(at(name), secretOf(name), none)
          if (remove) live.delete(name)
          else live.add(name)
        }
        assert.deepEqual(await namesOf(core, limit), sorted(live))
      }),
      { numRuns: 30 },
    )
  })
}

test('names that only the legacy store knows are listed before the inventory', async (t) => {
  const core = await withCore(t, { inventoried: false })
  const call = { deadline: Number.POSITIVE_INFINITY }
  for (const name of ['m', 'n', 'o']) await core.stores.legacy.put(at(name), secretOf(name), { kind: 'any' }, call)
  await core.secrets.remove(at('n'), none)
  core.setPhase('complete')
  await core.secrets.write(at('p'), secretOf('p'), none)
  assert.deepEqual(await namesOf(core, 1), ['m', 'o', 'p'])
})
