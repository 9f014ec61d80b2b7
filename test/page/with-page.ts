import assert from 'node:assert/strict'
import { after, before, type TestContext } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { needs } from '../support/parts.ts'
import { enter, launch, openTab } from './browser.ts'
import { type PageSystem, type PageSystemOptions, startPageSystem } from './system.ts'

/** One system and one browser for a whole test file: `const shared = usePage(needs('chromium'), { secrets: 300 })`, then `test(name, shared.limits, ...)`. */
export function usePage(chromium: ReturnType<typeof needs>, options: PageSystemOptions) {
  let system: PageSystem | undefined
  let browser: Browser | undefined
  before(async () => {
    if (chromium.skip) return
    system = await startPageSystem(options)
    browser = await launch(chromium.path)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })
  const running = (): PageSystem => system ?? assert.fail('no system runs')
  return {
    limits: { skip: chromium.skip, timeout: 600_000 },
    system: running,
    /** A tab that has entered; it must have complained of nothing when the test ends. */
    tab: async (t: TestContext, who: 'viewer' | 'operator' = 'operator', options: BrowserContextOptions = {}) => {
      const { page, complaints } = await openTab(
        browser ?? assert.fail('no browser'),
        running().application.operators,
        options,
      )
      t.after(async () => {
        await page.context().close()
        assert.deepEqual(complaints, [])
      })
      await enter(page, running().tokens[who])
      return page
    },
    /** A tab before it has entered. */
    fresh: (): ReturnType<typeof openTab> =>
      openTab(browser ?? assert.fail('no browser'), running().application.operators),
  }
}

/** The row of an integration in the matrix of phases. */
export const rowOf = (page: Page, integration: string) =>
  page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: integration, exact: true }) })
