import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { needs } from '../support/parts.ts'
import { show, violations } from './browser.ts'
import { manyName } from './system.ts'
import { rowOf, usePage } from './with-page.ts'

/** What the page is made for: 350 integrations of four cohorts. */
const ALL = 350
const shared = usePage(needs('chromium'), { secrets: 60, integrations: ALL })
const { limits } = shared

const LAST = manyName(ALL - 15)

const drawn = (page: Page): Promise<number> => page.getByRole('rowheader').count()

test(
  'of hundreds of rows some are drawn, the others on demand; a search, a filter and an action reach every one',
  limits,
  async (t) => {
    const page = await shared.tab(t)
    await page.getByText(`${ALL} integrations, 0 of them held back.`).waitFor()
    assert.equal(await drawn(page), 100)
    for (const name of ['asia', 'dogfood', 'pilot', 'general'])
      await page.getByRole('columnheader', { name, exact: true }).waitFor()

    const more = page.getByRole('button', { name: /^Show / })
    await more.focus()
    for (const [left, rows] of [
      ['150', 200],
      ['50', 300],
    ] as const) {
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: `more of ${left} that are not shown` }).waitFor()
      assert.equal(await drawn(page), rows)
    }
    await page.keyboard.press('Enter')
    await rowOf(page, LAST).waitFor()
    assert.equal(await drawn(page), ALL)
    assert.equal(
      await page.evaluate('document.activeElement.textContent'),
      'Show the first 100 only',
      'the focus stays',
    )
    await page.keyboard.press('Enter')
    await rowOf(page, LAST).waitFor({ state: 'detached' })
    assert.deepEqual(await violations(page), [])

    await page.getByLabel('Owner').selectOption('team-47')
    await page.getByText('7 integrations, 0 of them held back.').waitFor()
    assert.equal(await drawn(page), 7)
    await page.getByLabel('Owner').selectOption('')
    await page.getByLabel('Search').fill(LAST)
    await page.getByText('1 integration, 0 of them held back.').waitFor()
    await rowOf(page, LAST)
      .getByRole('button', { name: `Roll back ${LAST}` })
      .click()
    const dialog = page.getByRole('dialog', { name: `Roll back ${LAST}` })
    await dialog.getByRole('button', { name: `Roll back ${LAST} now` }).click()
    await dialog.getByText('1 of 1 replica applied it.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).click()
    await rowOf(page, LAST).getByText('all at most off: rollback by embedded-operator').waitFor()
  },
)

test('the burndown of all of them asks for the sum of a few series, of one for its own', limits, async (t) => {
  const page = await shared.tab(t)
  const asked: { readonly question: string; readonly series: Promise<number> }[] = []
  page.on('response', (response) => {
    const url = new URL(response.url())
    if (!url.pathname.endsWith('/history')) return
    const series = response.json().then((body: { series: readonly unknown[] }) => body.series.length)
    series.catch(() => undefined)
    asked.push({ question: `${url.searchParams.get('by')} ${url.searchParams.get('selector')}`, series })
  })
  await show(page, 'Burndown')
  await page.getByText('Nothing was counted in this time.').waitFor()
  assert.equal(await drawn(page), 100)
  await page.getByLabel('Which').selectOption(LAST)
  while (!asked.some(({ question }) => question === `integration ${LAST}`)) await page.waitForEvent('response')
  assert.equal(asked[0]?.question, 'cohort null')
  for (const { question, series } of asked) assert.ok((await series) <= 4, question)
})
