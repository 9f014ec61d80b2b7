import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '../../../core/fault.ts'
import { SECRET, secretOf, withCore } from './with-core.ts'

const none = { kind: 'none' } as const

test('a write that others outpace again and again is refused for now, not for good', async (t) => {
  const core = await withCore(t, { versions: { legacy: 'fenced', new: 'fenced' } })
  core.setPhase('rampdown')
  const { new: store } = core.stores
  let others = 0
  const outpace = async (): Promise<void> => {
    store.beforeWrite(null)
    await store.put(SECRET, secretOf(`other ${++others}`), { kind: 'any' }, { deadline: Number.POSITIVE_INFINITY })
    store.beforeWrite(outpace)
  }
  store.beforeWrite(outpace)
  await assert.rejects(core.secrets.write(SECRET, secretOf('mine'), none), (error) => {
    assert.ok(isFault(error))
    assert.equal(error.code, 'store-unavailable')
    assert.equal(error.retryAfter, 1)
    return true
  })
  assert.ok(others > 1)
  assert.equal(await core.held('new'), `other ${others}`)
})
