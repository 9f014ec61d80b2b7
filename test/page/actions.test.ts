import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import pg from 'pg'
import { parse, stringify } from 'yaml'
import type { Address } from '../../backends/secret.ts'
import { LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import { needs } from '../support/parts.ts'
import { violations } from './browser.ts'
import { migrateWhole, type PageSystem } from './system.ts'
import { rowOf, usePage } from './with-page.ts'

const shared = usePage(needs('chromium'), { secrets: 300 })
const { limits } = shared

const CUSTOMER = 'our-own-company'
const PLAIN = { contentType: null, metadata: {} }

/** Clients that write and read without a pause; what each name was last acknowledged as. */
function underLoad({ secrets }: PageSystem, integration: string) {
  const acknowledged = new Map<string, string>()
  let going = true
  const client = async (name: string): Promise<void> => {
    for (let n = 0; going; n += 1) {
      const address: Address = { integration, customer: CUSTOMER, name }
      await secrets.put(address, Buffer.from(`${name} ${n}`), PLAIN)
      acknowledged.set(name, `${name} ${n}`)
      const read = await secrets.get(address)
      assert.equal(Buffer.from(read.value).toString(), `${name} ${n}`)
    }
  }
  const clients = Promise.all(['load/a', 'load/b', 'load/c', 'load/d'].map(client))
  return {
    acknowledged,
    stop: async () => {
      going = false
      await clients
    },
  }
}

async function withLegacy<T>({ embedded }: PageSystem, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: embedded.postgres.url('legacy') })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const inLegacy = (system: PageSystem, integration: string, name: string): Promise<string | null> =>
  withLegacy(system, async (client) => {
    const sql = `select secret from ${LEGACY_TABLE} where provider = $1 and org_id = $2 and key = $3`
    const { rows } = await client.query<{ secret: Buffer }>(sql, [integration, CUSTOMER, name])
    return rows[0]?.secret.toString() ?? null
  })

/** While `work` goes on nothing can be written to the legacy store. */
const withLegacyUnwritable = (system: PageSystem, work: () => Promise<void>): Promise<void> =>
  withLegacy(system, async (client) => {
    await client.query(`begin; lock table ${LEGACY_TABLE} in share mode`)
    await work()
    await client.query('commit')
  })

test(
  'one button and one confirmation roll back under load; legacy holds every acknowledged write and answers',
  limits,
  async (t) => {
    const page = await shared.tab(t)
    const system = shared.system()
    const load = underLoad(system, 'github')
    while (load.acknowledged.size < 4) await new Promise((resolve) => setImmediate(resolve))
    await rowOf(page, 'github').getByRole('button', { name: 'Roll back github' }).click()
    const dialog = page.getByRole('dialog', { name: 'Roll back github' })
    await dialog.getByText('crossfade rollback github').waitFor()
    assert.deepEqual(await violations(page), [])
    await dialog.getByRole('button', { name: 'Roll back github now' }).click()
    await dialog.getByText('Rolled back to off.').waitFor()
    await dialog.getByText('1 of 1 replica applied it.').waitFor()
    await dialog.getByText('Nothing is answered by new any more.').waitFor()
    assert.deepEqual(await violations(page), [])
    await load.stop()
    for (const [name, value] of load.acknowledged) {
      const read = await system.secrets.get({ integration: 'github', customer: CUSTOMER, name })
      assert.deepEqual([Buffer.from(read.value).toString(), read.served_by, read.phase], [value, 'legacy', 'off'])
      assert.equal(await inLegacy(system, 'github', name), value)
    }
    await dialog.getByRole('button', { name: 'Close' }).click()
    await rowOf(page, 'github').getByText('off', { exact: true }).first().waitFor()
  },
)

test(
  'lifting is refused while the flag asks for more, in the words of the server, and done when it does not',
  limits,
  async (t) => {
    const page = await shared.tab(t)
    const { ops } = shared.system()
    await rowOf(page, 'stripe').getByRole('button', { name: 'Lift the caps of stripe' }).click()
    const dialog = page.getByRole('dialog', { name: 'Lift the caps of stripe' })
    await dialog.getByRole('button', { name: 'Lift them' }).click()
    await dialog.getByRole('alert').getByText('lift-refused').waitFor()
    assert.deepEqual(await violations(page), [])
    await ops.call('setFlags', { body: { selector: 'stripe', phase: 'off', reason: 'first down', execute: true } })
    await dialog.getByRole('button', { name: 'Lift them' }).click()
    await dialog.getByText('1 cap lifted.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).click()
    await rowOf(page, 'stripe').getByRole('button', { name: /Lift/ }).waitFor({ state: 'detached' })
  },
)

test('a move forward is looked at first, and wants a reason and the name, typed', limits, async (t) => {
  const page = await shared.tab(t)
  const { ops } = shared.system()
  await migrateWhole(ops, 'twilio')
  await rowOf(page, 'twilio').getByRole('button', { name: 'Set phase of twilio' }).click()
  const dialog = page.getByRole('dialog', { name: 'Set the phase of twilio' })
  await dialog.getByLabel('Phase').selectOption('shadow')
  await dialog.getByLabel('Cohort').selectOption('pilot')
  await dialog.getByRole('button', { name: 'Look what would change' }).click()
  await dialog.getByText('It would: pilot from off to shadow, runs shadow.').waitFor()
  const act = dialog.getByRole('button', { name: 'Set twilio to shadow' })
  assert.equal(await act.isDisabled(), true)
  await dialog.getByLabel('Reason').fill('pilots are ready')
  assert.equal(await act.isDisabled(), true, 'a reason alone is not enough')
  await dialog.getByLabel('Type twilio to confirm').fill('twili')
  assert.equal(await act.isDisabled(), true, 'nor half of the name')
  await dialog.getByLabel('Type twilio to confirm').fill('twilio')
  await dialog.getByText('flags set twilio --cohort pilot shadow --execute --reason "pilots are ready"').waitFor()
  assert.deepEqual(await violations(page), [])
  await act.click()
  await dialog.getByText('Done: pilot from off to shadow').waitFor()
  await rowOf(page, 'twilio').getByText('shadow', { exact: true }).waitFor()
  const { events } = await ops.call('events', { query: { selector: 'twilio' } })
  const event = events.find(({ kind }) => kind === 'flag-set')
  assert.deepEqual([event?.to, event?.reason, event?.by], ['shadow', 'pilots are ready', 'embedded-operator'])
  await dialog.getByText('1 of 1 replica applied it.').waitFor()
  assert.equal(await dialog.getByText(/answered by new/).count(), 0)
})

test(
  'after a way back by a flag the dialog says how far it has come and what new still answers, until that is nothing',
  limits,
  async (t) => {
    const page = await shared.tab(t)
    const system = shared.system()
    const { ops, secrets } = system
    await migrateWhole(ops, 'datadog')
    await ops.call('setFlags', { body: { selector: 'datadog', phase: 'complete', reason: 'all up', execute: true } })
    await rowOf(page, 'datadog').getByText('complete', { exact: true }).first().waitFor()
    const names = Array.from({ length: 40 }, (_, i) => `only-new/${i}`)
    for (const name of names)
      await secrets.put({ integration: 'datadog', customer: CUSTOMER, name }, Buffer.from(name), PLAIN)

    const dialog = page.getByRole('dialog', { name: 'Set the phase of datadog' })
    await withLegacyUnwritable(system, async () => {
      await rowOf(page, 'datadog').getByRole('button', { name: 'Set phase of datadog' }).click()
      await dialog.getByLabel('Phase').selectOption('off')
      await dialog.getByRole('button', { name: 'Look what would change' }).click()
      await dialog.getByLabel('Reason').fill('clients saw errors')
      await dialog.getByRole('button', { name: 'Set datadog to off' }).click()
      await dialog.getByText('1 of 1 replica applied it.').waitFor()
      await dialog.getByText(/^datadog: 40 secrets still answered by new/).waitFor()
      assert.equal(await dialog.getByText('Nothing is answered by new any more.').count(), 0)
      await rowOf(page, 'datadog')
        .getByText(/^40 secrets still answered by new/)
        .waitFor()
      assert.deepEqual(await violations(page), [])
    })
    await dialog.getByText('Nothing is answered by new any more.').waitFor()
    assert.equal(await dialog.getByText(/still answered by new/).count(), 0)
    for (const name of names) assert.equal(await inLegacy(system, 'datadog', name), name)
  },
)

test('a move that a gate holds says so before it is made', limits, async (t) => {
  const page = await shared.tab(t)
  await rowOf(page, 'jira').getByRole('button', { name: 'Set phase of jira' }).click()
  const dialog = page.getByRole('dialog', { name: 'Set the phase of jira' })
  await dialog.getByLabel('Phase').selectOption('live')
  await dialog.getByRole('button', { name: 'Look what would change' }).click()
  await dialog.getByText('It waits for: not enrolled').waitFor()
})

test(
  'everything works by keyboard: the dialog opens, keeps the focus, closes, and gives the focus back',
  limits,
  async (t) => {
    const page = await shared.tab(t)
    const button = rowOf(page, 'gitlab').getByRole('button', { name: 'Roll back gitlab' })
    await button.focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Roll back gitlab' })
    await dialog.waitFor()
    const inside = () => page.evaluate('document.querySelector("dialog").contains(document.activeElement)')
    for (let step = 0; step < 3; step += 1) {
      assert.equal(await inside(), true)
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Roll back gitlab')
    const { caps } = await shared.system().ops.call('caps', { query: { selector: 'gitlab' } })
    assert.deepEqual(caps, [])
  },
)

test('everything is rolled back by one button, too, and lifted by another', limits, async (t) => {
  const page = await shared.tab(t)
  await page.getByRole('button', { name: 'Roll back everything' }).click()
  const dialog = page.getByRole('dialog', { name: 'Roll back everything' })
  await dialog.getByText('crossfade rollback --all').waitFor()
  await dialog.getByRole('button', { name: 'Roll back everything now' }).click()
  await dialog.getByText('Rolled back to off.').waitFor()
  const { caps } = await shared.system().ops.call('caps', { query: { selector: '*' } })
  assert.ok(caps.some(({ integration, phase }) => integration === '*' && phase === 'off'))
  await dialog.getByRole('button', { name: 'Close' }).click()

  await shared
    .system()
    .ops.call('setFlags', { body: { selector: '*', phase: 'off', reason: 'all down', execute: true } })
  await page.getByRole('button', { name: 'Lift every cap' }).click()
  const lifting = page.getByRole('dialog', { name: 'Lift the caps of everything' })
  await lifting.getByText('everything, every cohort: at most off').waitFor()
  await lifting.getByRole('button', { name: 'Lift them' }).click()
  await lifting.getByText('lifted.').waitFor()
  assert.deepEqual((await shared.system().ops.call('caps', { query: { selector: '*' } })).caps, [])
})

test(
  'a page whose server goes away says so and since when, and is live again by itself; it ends with its token',
  limits,
  async (t) => {
    const { page } = await shared.fresh()
    const { application, again, embedded, tokens } = shared.system()
    await page.getByLabel('Token').fill(tokens.viewer)
    await page.getByRole('button', { name: 'Look', exact: true }).click()
    await page.getByText('Live', { exact: true }).waitFor()
    await application.stop()
    await page.getByText('Not connected: trying again').waitFor()
    await page.getByText(/^Last heard \d/).waitFor()
    await rowOf(page, 'github').waitFor()
    assert.deepEqual(await violations(page), [])
    const second = await again()
    t.after(() => second.stop())
    await page.getByText('Live', { exact: true }).waitFor()
    assert.equal(await page.getByText(/^Last heard/).count(), 0)

    await second.stop()
    const known = parse(readFileSync(embedded.paths.tokens, 'utf8')) as readonly { readonly name: string }[]
    const others = known.filter(({ name }) => name !== 'embedded-viewer')
    writeFileSync(embedded.paths.tokens, stringify(others), { mode: 0o600 })
    const third = await again()
    t.after(() => third.stop())
    await page.getByRole('alert').getByText('unauthenticated').waitFor()
    await page.getByLabel('Token').waitFor()
    assert.equal(await page.evaluate('Object.values(sessionStorage).length'), 0)
    await page.context().close()
  },
)
