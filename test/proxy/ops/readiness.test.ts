import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Check } from '../../../proxy/ops/readiness.ts'
import { withOperators } from './with-operators.ts'

function checks() {
  const well: Record<string, boolean> = { ledger: false, legacy: true }
  const check = (name: string, needed: Check['needed']): Check => ({
    name,
    needed,
    probe: async () => {
      if (name === 'ledger' && !well['ledger']) throw new Error('password=hunter2')
      return { ok: well[name] === true, detail: well[name] ? 'answers' : 'does not answer' }
    },
  })
  return { well, all: [check('ledger', 'start'), check('legacy', 'always')] }
}

test('a cold start waits for the ledger; once started its outage is ridden out, that of the serving side is not', async (t) => {
  const { well, all } = checks()
  const { call, readiness } = await withOperators(t, all)
  const status = async () => (await call({ path: '/readyz', token: null })).status
  assert.equal(await status(), 503)
  well['ledger'] = true
  assert.equal(await status(), 200)
  well['ledger'] = false
  assert.equal(await status(), 200)
  well['legacy'] = false
  assert.equal(await status(), 503)
  well['legacy'] = true
  assert.equal(await status(), 200)
  readiness.drain()
  assert.equal(await status(), 503)
})

test('?verbose names each check, and never what a driver said', async (t) => {
  const { all } = checks()
  const { call } = await withOperators(t, all)
  const { text } = await call({ path: '/readyz?verbose', token: null })
  assert.deepEqual(JSON.parse(text), {
    ready: false,
    started: false,
    draining: false,
    checks: [
      { name: 'ledger', needed: 'start', ok: false, detail: 'the check itself failed' },
      { name: 'legacy', needed: 'always', ok: true, detail: 'answers' },
    ],
  })
})
