import assert from 'node:assert/strict'
import { isFault } from '../../../core/fault.ts'
import { makeNames } from '../../../ledger/postgres/names.ts'
import type { Names } from '../../../proxy/core/list.ts'
import { makeSecrets } from '../../../proxy/core/secrets.ts'
import { INTEGRATION, secretOf, withCore } from '../../proxy/core/with-core.ts'
import { caseOf } from '../support/case.ts'

const DELETED = 20_000
const none = { kind: 'none' } as const

/** A customer of whom the ledger knows 20,000 names that were deleted, and whose listings are counted in queries. */
async function withDeleted(t: Parameters<typeof withCore>[0], inventoried: boolean) {
  const core = await withCore(t, { inventoried })
  await core.database.query(
    'deleted',
    `insert into crossfade.secret (integration, customer, name, fresh, first, blank, gone, deleted, current)
       select $1, 'acme', 'k' || lpad(n::text, 6, '0'), 'both', 'legacy', false, true, true, 'absent'
       from generate_series(1, $2::int) n`,
    [INTEGRATION, DELETED],
  )
  const names = makeNames(core.database)
  let queries = 0
  const counting: Names = {
    names: (...asked) => {
      queries += 1
      return names.names(...asked)
    },
    known: (...asked) => {
      queries += 1
      return names.known(...asked)
    },
  }
  const secrets = makeSecrets(core.deps, core.lazy, counting)
  return {
    core,
    list: async (limit: number, after: string | null, signal?: AbortSignal) => {
      queries = 0
      const page = await secrets.list(INTEGRATION, 'acme', { limit, after }, signal)
      assert.ok(queries <= 20, `${queries} queries`)
      return { names: page.entries.map(({ name }) => name), next: page.next }
    },
  }
}

caseOf(['review', '7'], 'deleted names cost a listing no queries of their own', {}, async (t) => {
  for (const inventoried of [true, false]) {
    const { core, list } = await withDeleted(t, inventoried)
    for (const name of ['a', 'k010000b', 'z'])
      await core.secrets.write({ integration: INTEGRATION, customer: 'acme', name }, secretOf(name), none)
    assert.deepEqual(await list(1, null), { names: ['a'], next: 'a' })
    assert.deepEqual(await list(1, 'a'), { names: ['k010000b'], next: 'k010000b' })
    assert.deepEqual(await list(5, 'k010000b'), { names: ['z'], next: null })
  }
})

caseOf(
  ['review', '7'],
  'a store that still has what was deleted shortens a page, and no page leaves a name out',
  {},
  async (t) => {
    const { core, list } = await withDeleted(t, false)
    const call = { deadline: Number.POSITIVE_INFINITY }
    const stale = Array.from({ length: DELETED }, (_, n) => `k${String(n + 1).padStart(6, '0')}`)
    for (const name of [...stale, 'z']) {
      const address = { integration: INTEGRATION, customer: 'acme', name }
      await core.stores.legacy.put(address, secretOf(name), { kind: 'any' }, call)
    }
    const found: string[] = []
    let pages = 0
    for (let after: string | null = null; ; pages += 1) {
      const page = await list(1, after)
      found.push(...page.names)
      if (page.next === null) break
      assert.ok(after === null || page.next > after, 'each page goes on')
      after = page.next
    }
    assert.deepEqual(found, ['z'])
    assert.ok(pages < 5, `${pages} pages`)
  },
)

caseOf(['review', '7'], 'a listing ends when its client has left', {}, async (t) => {
  const { list } = await withDeleted(t, true)
  await assert.rejects(
    list(1, null, AbortSignal.abort()),
    (error) => isFault(error) && error.code === 'store-unavailable',
  )
})
