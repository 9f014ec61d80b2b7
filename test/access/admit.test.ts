import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Registry } from 'prom-client'
import { type Admission, makeAdmit } from '../../access/admit.ts'
import { auditConfigSchema } from '../../access/config.ts'
import { makeAudit } from '../../access/make-audit.ts'
import { makeAccessMetrics } from '../../access/metrics.ts'
import { mintToken } from '../../access/token.ts'
import { makeTokens } from '../../access/tokens.ts'
import { systemClock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'

const { token, entry } = mintToken({ name: 'worker', roles: ['client'] }, randomBytes)
const code = (wanted: string) => (error: unknown) => isFault(error) && error.code === wanted

const read: Admission = {
  authorization: `Bearer ${token}`,
  permission: 'secrets',
  operation: 'secrets.read',
  integration: 'aws',
  customer: 'acme',
  name: 'api/key',
  request: 'r-1',
  reason: null,
}

async function door(t: TestContext, disk: 'roomy' | 'full' = 'roomy') {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-admit-'))
  const path = join(folder, 'audit.jsonl')
  if (disk === 'full') await symlink('/dev/full', path)
  const registry = new Registry()
  const metrics = makeAccessMetrics(registry)
  const audit = await makeAudit(auditConfigSchema.parse({ sinks: [{ kind: 'file', path }], deadline: '5s' }), {
    clock: systemClock,
    metrics,
  })
  t.after(async () => {
    await audit.close()
    await rm(folder, { recursive: true })
  })
  const admit = makeAdmit({ tokens: makeTokens([entry]), audit, clock: systemClock, metrics })
  return { admit, registry, text: () => readFile(path, 'utf8') }
}

test('an admitted operation is in the audit before admit resolves, without the token', async (t) => {
  const { admit, text } = await door(t)
  assert.equal((await admit(read)).name, 'worker')
  const { time, ...line } = JSON.parse(await text())
  const { authorization: _header, permission: _permission, ...what } = read
  assert.deepEqual(line, { actor: 'worker', role: 'client', ...what })
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000)
  assert.equal((await text()).includes(token), false)
})

test('who is not admitted leaves no line of an operation, and is counted', async (t) => {
  const { admit, text, registry } = await door(t)
  await assert.rejects(admit({ ...read, authorization: undefined }), code('unauthenticated'))
  await assert.rejects(admit({ ...read, permission: 'operate' }), code('forbidden'))
  assert.equal(await text(), '')
  const counted = await registry.metrics()
  assert.match(counted, /crossfade_authentications_total\{outcome="unauthenticated"\} 1/)
  assert.match(counted, /crossfade_authentications_total\{outcome="forbidden"\} 1/)
})

test('when the record cannot be written the caller is not admitted', async (t) => {
  const { admit } = await door(t, 'full')
  await assert.rejects(admit(read), code('audit-unavailable'))
})
