import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Debian's Chromium without a window. As root it has no sandbox of its own; nothing but our page is loaded. */
export const launch = (path: string): Promise<Browser> =>
  chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-dev-shm-usage'] })

/** What a machine that is busy may take for anything. */
const PATIENCE_MS = 120_000

export interface Opened {
  readonly page: Page
  /** What the browser complained of, and whom it asked besides `origin`: nothing, if all is well. */
  readonly complaints: readonly string[]
}

/** The browser notes every such answer by itself; the page shows it in the server's words. */
const REFUSAL = /^Failed to load resource: the server responded with a status of 409/

/** A tab of its own, without anything that another one kept. */
export async function openTab(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  const complaints: string[] = []
  page.on('console', (message) => {
    const isRefusal = REFUSAL.test(message.text())
    if (['error', 'warning'].includes(message.type()) && !isRefusal) complaints.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.origin !== origin && url.protocol !== 'data:') complaints.push(`asked ${url.origin}`)
  })
  await page.goto(origin)
  return { page, complaints }
}

/** Opens the page with a token, as a person would. */
export async function enter(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Look', exact: true }).click()
  await page.getByRole('rowheader', { name: 'github' }).waitFor()
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What axe has to say of the page as it is now; `colours`: only of those, where nothing else is another than before. */
export async function violations(page: Page, what: 'all' | 'colours' = 'all'): Promise<readonly string[]> {
  // Without frames there is nothing that needs a second page to be put together.
  const axe = new AxeBuilder({ page }).setLegacyMode()
  const { violations: found } = await (what === 'all'
    ? axe.withTags(RULES)
    : axe.withRules(['color-contrast', 'link-in-text-block'])
  ).analyze()
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

export const SCREEN_TITLES = [
  'Phases',
  'Burndown',
  'Rates and latency',
  'Mismatches',
  'Debts',
  'Replicas',
  'Events',
] as const

export async function show(page: Page, title: (typeof SCREEN_TITLES)[number]): Promise<void> {
  await page.getByRole('link', { name: title, exact: true }).click()
  await page.getByRole('heading', { name: title, level: 2 }).waitFor()
}
