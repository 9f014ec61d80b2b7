/**
 * The definition of an adapter: every store passes all of it, on the real thing. What a store may lack it says in its
 * capabilities, and then the checks hold it to saying no rather than to doing it wrong.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Capabilities, Store } from '../../backends/store.ts'
import { BATCH_CHECKS } from './checks/batches.ts'
import type { Check } from './checks/check.ts'
import { CONDITION_CHECKS } from './checks/conditions.ts'
import { DEADLINE_CHECKS } from './checks/deadlines.ts'
import { SCAN_CHECKS } from './checks/scans.ts'
import { VALUE_CHECKS } from './checks/values.ts'

const CHECKS: readonly Check[] = [
  ...VALUE_CHECKS,
  ...CONDITION_CHECKS,
  ...DEADLINE_CHECKS,
  ...BATCH_CHECKS,
  ...SCAN_CHECKS,
]

type Has = (capabilities: Capabilities) => boolean

/** The words in which the report says what a store lacks. Versions that restart after a delete are not counted as such. */
const FEATURES: Readonly<Record<string, Has>> = {
  'conditional-writes': (c) => c.compareAndSet.has,
  // By its time, or by the version that it was sent with.
  'late-writes-refused': (c) => c.bound.has || c.fence.has,
  versions: (c) => c.versions.has && c.fence.has,
  'content-type': (c) => c.contentType.has,
  metadata: (c) => c.metadata.has,
}

const lacksOf = ({ capabilities }: Store): string[] =>
  Object.keys(FEATURES).filter((feature) => !FEATURES[feature]?.(capabilities))

/** Holds one store to the suite. `open` gets the test's context, so that what it makes is cleaned up after it; `skip` says which part is not there. */
export function conforms(name: string, open: (t: TestContext) => Promise<Store>, skip: string | false = false): void {
  test(name, { skip }, async (t) => {
    const store = await open(t)
    t.diagnostic(JSON.stringify({ store: name, lacks: lacksOf(store) }))
    let count = 0
    for (const check of CHECKS) {
      // An integration of its own for each check, so that none sees what another left.
      const integration = `check-${count++}`
      await t.test(check.name, () => check.run(store, integration))
    }
    await t.test('close gives everything back and settles', async () => {
      assert.equal(await store.close(), undefined)
    })
  })
}
