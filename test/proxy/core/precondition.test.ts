import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PHASES } from '../../../flags/phase.ts'
import { makeNames } from '../../../ledger/postgres/names.ts'
import { makeSecrets } from '../../../proxy/core/secrets.ts'
import { SECRET, secretOf, withCore } from './with-core.ts'

const none = { kind: 'none' } as const
const match = (etag: string) => ({ kind: 'match', etags: [etag] }) as const
const code = (expected: string) => ({ code: expected })

for (const enrolled of [false, true]) {
  const where = enrolled ? 'through the ledger' : 'on the store itself'

  test(`compare-and-set ${where}: one of two writers with the same tag gets through`, async (t) => {
    const { secrets } = await withCore(t, { enrolled })
    const { etag } = await secrets.write(SECRET, secretOf('v1'), none)
    const outcomes = await Promise.allSettled(
      ['a', 'b'].map((text) => secrets.write(SECRET, secretOf(text), match(etag as string))),
    )
    assert.deepEqual(outcomes.map((o) => o.status).sort(), ['fulfilled', 'rejected'])
    const lost = outcomes.find((o) => o.status === 'rejected')
    assert.equal(lost?.reason.code, 'precondition-failed')
  })

  test(`create-if-absent ${where}: the second one is refused, and allowed again after a delete`, async (t) => {
    const { secrets } = await withCore(t, { enrolled })
    await secrets.write(SECRET, secretOf('v1'), { kind: 'none-match' })
    await assert.rejects(secrets.write(SECRET, secretOf('v2'), { kind: 'none-match' }), code('precondition-failed'))
    await secrets.remove(SECRET, none)
    await secrets.write(SECRET, secretOf('v3'), { kind: 'none-match' })
  })

  test(`a delete ${where} honours If-Match`, async (t) => {
    const { secrets } = await withCore(t, { enrolled })
    const { etag } = await secrets.write(SECRET, secretOf('v1'), none)
    await assert.rejects(secrets.remove(SECRET, match('other')), code('precondition-failed'))
    await secrets.remove(SECRET, match(etag as string))
    assert.equal((await secrets.read(SECRET)).kind, 'absent')
  })
}

test('a tag taken in one phase holds in every other, and before enrol', async (t) => {
  const core = await withCore(t, { enrolled: false })
  const { etag } = await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.stages.transition('aws', 'enrolling')
  await core.stages.transition('aws', 'enrolled')
  await core.replica.refresh()
  for (const phase of PHASES) {
    core.setPhase(phase)
    const read = await core.secrets.read(SECRET)
    assert.equal(read.kind === 'found' && read.etag, etag, phase)
    await core.secrets.write(SECRET, secretOf('v1'), match(etag as string))
  }
})

test('a row that does not know what its fresh side holds learns it by a settle before it judges', async (t) => {
  const core = await withCore(t)
  core.setPhase('dualwrite')
  const { etag } = await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.lazy.flush()
  await core.database.query(null, 'update crossfade.secret set current = null, fresh = $1, seq = seq + 1', ['legacy'])
  await core.secrets.write(SECRET, secretOf('v2'), match(etag as string))
  assert.equal(await core.served('dualwrite'), 'v2')
})

test('a condition on a secret that nobody changed waits for the end of the enrolment, and is met then', async (t) => {
  const core = await withCore(t, { enrolled: false })
  const { etag } = await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.stages.transition('aws', 'enrolling')
  await core.replica.refresh()
  const asked = Promise.withResolvers<void>()
  const settleOne: typeof core.deps.settleOne = async (address) => {
    const reports = await core.deps.settleOne(address)
    asked.resolve()
    return reports
  }
  const secrets = makeSecrets({ ...core.deps, settleOne }, core.lazy, makeNames(core.database))
  const written = secrets.write(SECRET, secretOf('v2'), match(etag as string))
  await asked.promise
  await core.stages.transition('aws', 'enrolled')
  await core.replica.refresh()
  await written
  assert.equal(await core.served('off'), 'v2')
})

test('a condition that cannot be judged is refused for now: 412 would say that the secret has changed', async (t) => {
  const core = await withCore(t, { enrolled: false })
  const { etag } = await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.stages.transition('aws', 'enrolling')
  await core.replica.refresh()
  const refused = core.secrets.write(SECRET, secretOf('v2'), match(etag as string))
  await assert.rejects(refused, code('operation-in-progress'))
  assert.equal(await core.held('legacy'), 'v1')
})
