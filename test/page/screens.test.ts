import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { needs } from '../support/parts.ts'
import { SCREEN_TITLES, show, violations } from './browser.ts'
import { rowOf, usePage } from './with-page.ts'

const shared = usePage(needs('chromium'), { secrets: 300 })
const { limits } = shared

const LOOKS = [
  { name: 'light', scheme: 'light', width: 1280, what: 'all' },
  { name: 'dark', scheme: 'dark', width: 1280, what: 'colours' },
  { name: '320 px', scheme: 'light', width: 320, what: 'all' },
] as const

/** Nothing but a table, which scrolls by itself, may be wider than the window. */
const overhang = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

test('every screen is accessible in light and dark and at 320 px, and nothing hangs over', limits, async (t) => {
  const page = await shared.tab(t)
  for (const title of SCREEN_TITLES) {
    await show(page, title)
    for (const { name, scheme, width, what } of LOOKS) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.setViewportSize({ width, height: 800 })
      assert.deepEqual(await violations(page, what), [], `${title}, ${name}`)
      assert.equal(await overhang(page), 0, `${title}, ${name}`)
    }
  }
})

test('the entry is accessible, and a token that is not known is refused in words', limits, async () => {
  const { page } = await shared.fresh()
  assert.deepEqual(await violations(page), [])
  await page.getByLabel('Token').fill('cf_nobody')
  await page.getByLabel('Token').press('Enter')
  await page.getByRole('alert').getByText('unauthenticated').waitFor()
  assert.deepEqual(await violations(page), [])
  await page.context().close()
})

test('the token is kept in the tab only: no cookie, no URL, no local storage', limits, async (t) => {
  const page = await shared.tab(t)
  const { operator } = shared.system().tokens
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  for (const title of SCREEN_TITLES) await show(page, title)
  await page.reload()
  await page.getByRole('heading', { level: 2, name: 'Events' }).waitFor()
  assert.deepEqual(await page.context().cookies(), [])
  assert.notEqual(asked.length, 0)
  assert.equal(
    [...asked, page.url()].some((url) => url.includes(operator)),
    false,
  )
  assert.equal(await page.evaluate('Object.values(localStorage).length'), 0)
  await page.getByRole('button', { name: 'Forget the token' }).click()
  await page.getByLabel('Token').waitFor()
  assert.equal(await page.evaluate('Object.values(sessionStorage).length'), 0)
})

test('the matrix says what runs, what was asked for and why it is held back, and is filtered', limits, async (t) => {
  const page = await shared.tab(t)
  await rowOf(page, 'github').getByText('live').first().waitFor()
  const okta = rowOf(page, 'okta')
  await okta.getByText('asked: live').waitFor()
  await okta.getByText('Held back').click()
  await okta.getByText('not enrolled').waitFor()
  await rowOf(page, 'stripe').getByText('all at most off: rollback by embedded-operator').waitFor()

  await page.getByLabel('Owner').selectOption('team-identity')
  await page.getByText('1 integration,').waitFor()
  await page.getByLabel('Owner').selectOption('')
  await page.getByLabel('Only what is held back').check()
  await page.getByText('2 integrations,').waitFor()
  await page.getByLabel('Search').fill('okt')
  await page.getByText('1 integration,').waitFor()
})

/** In the browser: whether the first chart has a pixel in the colour of its first line. */
const IS_DRAWN = `(() => {
  const canvas = document.querySelector('.chart canvas')
  if (canvas === null) return false
  // Of a copy, which is made to be read.
  const copy = document.createElement('canvas')
  copy.width = canvas.width
  copy.height = canvas.height + 1
  const picture = copy.getContext('2d', { willReadFrequently: true })
  picture.drawImage(canvas, 0, 0)
  const span = document.createElement('span')
  span.style.color = 'var(--new)'
  document.querySelector('.chart').append(span)
  picture.fillStyle = getComputedStyle(span).color
  span.remove()
  picture.fillRect(0, canvas.height, 1, 1)
  const wanted = picture.getImageData(0, canvas.height, 1, 1).data
  const pixels = picture.getImageData(0, 0, canvas.width, canvas.height).data
  for (let at = 0; at < pixels.length; at += 4)
    if ([0, 1, 2].every((channel) => Math.abs(pixels[at + channel] - wanted[channel]) < 4)) return true
  return false
})()`

test('the screens show what is copied, measured, registered and what happened', limits, async (t) => {
  const page = await shared.tab(t)
  await show(page, 'Burndown')
  const github = rowOf(page, 'github')
  const { integrations } = await shared.system().ops.call('status', { query: { selector: 'github' } })
  const copied = integrations[0]?.counts?.copied ?? assert.fail('nothing is counted')
  await github
    .getByRole('cell', { name: String(copied), exact: true })
    .first()
    .waitFor()

  await page.getByText(/\d secrets to copy, \d/).waitFor()
  // One sample is a point: something is drawn in the colour of its line.
  while (!(await page.evaluate(IS_DRAWN))) await page.evaluate('new Promise(requestAnimationFrame)')
  for (const by of ['owner', 'cohort', 'integration']) {
    await page.getByLabel('By').selectOption(by)
    await page.getByLabel('Which').getByRole('option').nth(1).waitFor({ state: 'attached' })
  }

  await show(page, 'Rates and latency')
  await shared
    .system()
    .secrets.get({ integration: 'github', customer: 'our-own-company', name: 'none' })
    .catch(() => null)
  await page.getByRole('row').filter({ hasText: 'vaulted (new)' }).first().waitFor()

  await show(page, 'Replicas')
  await page.getByRole('row').filter({ hasText: 'embedded (answers this page)' }).getByText('live').waitFor()
  await page.getByText('applied by 1 of 1 replicas').waitFor()

  await show(page, 'Events')
  const event = page.getByRole('row').filter({ hasText: 'clients saw errors' })
  await event.getByRole('rowheader', { name: 'rollback' }).waitFor()
  await event.getByText('1 of 1').first().waitFor()
})

test('a mismatch appears by itself with class, versions and fingerprints, and never a value', limits, async (t) => {
  const page = await shared.tab(t)
  await show(page, 'Mismatches')
  await page.getByText('Nothing differs.').waitFor()
  const { secrets, application } = shared.system()
  const address = { integration: 'slack', customer: 'our-own-company', name: 'differs' }
  await secrets.put(address, Buffer.from('"the same on both"'), { contentType: null, metadata: {} })
  await application.engine.mismatches.record({
    ...address,
    source: 'shadow',
    class: 'value',
    legacyFingerprint: 'aaaabbbbccccdddd',
    newFingerprint: 'eeeeffff00001111',
    legacyVersion: '7',
    newVersion: '9',
  })
  const row = page.getByRole('row').filter({ hasText: 'differs' })
  await row.getByText('aaaabbbbcccc').waitFor()
  await row.getByText('eeeeffff0000').waitFor()
  await row.getByRole('rowheader', { name: 'value' }).waitFor()
  assert.equal((await page.content()).includes('the same on both'), false)
  await page.getByLabel('Class').selectOption('value')
  await page.getByLabel('Search').fill('nothing like it')
  await page.getByText('No mismatch is like this.').waitFor()
  await application.engine.mismatches.resolve([address])
  await page.getByText('Nothing differs.').waitFor()
})

test('a viewer looks and is offered no action, and the server would refuse it', limits, async (t) => {
  const page = await shared.tab(t, 'viewer')
  await page.getByText('embedded-viewer, viewer').waitFor()
  for (const name of [/roll back/i, /set phase/i, /lift/i])
    assert.equal(await page.getByRole('button', { name }).count(), 0)
  const { application, tokens } = shared.system()
  const response = await fetch(`${application.operators}/api/v1/ops/rollback`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens.viewer}` },
    body: JSON.stringify({ selector: 'github' }),
  })
  assert.equal(response.status, 403)
})
