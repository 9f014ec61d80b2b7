import assert from 'node:assert/strict'
import { ANY } from '../../../backends/store.ts'
import { isFault } from '../../../core/fault.ts'
import { INTEGRATION, SECRET, secretOf, withCore } from '../../proxy/core/with-core.ts'
import { caseOf } from '../support/case.ts'

caseOf(['history', 'H12'], 'what new has lost does not become a 404 while a settle is at it', {}, async (t) => {
  const core = await withCore(t)
  core.setPhase('live')
  core.stores.legacy.troubleWrites('refused')
  await core.secrets.write(SECRET, secretOf('only new holds it'), { kind: 'none' })
  await core.lazy.flush()
  await core.stores.new.remove(SECRET, ANY, { deadline: Number.POSITIVE_INFINITY })
  const lost = () =>
    assert.rejects(core.secrets.read(SECRET), (error) => isFault(error) && error.code === 'value-missing')
  await lost()
  const claims = await core.ledger.claim({
    integration: INTEGRATION,
    source: null,
    only: SECRET,
    limit: 1,
    lease: 60_000,
  })
  assert.equal(claims.length, 1)
  const { row } = await core.ledger.ask(SECRET)
  assert.deepEqual([row?.open, row?.writing], [1, 0])
  await lost()
})
