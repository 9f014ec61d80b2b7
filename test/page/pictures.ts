import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { SAMPLE_DEFAULTS } from '../../bin/embedded/sample/secrets.ts'
import { startTraffic } from '../../bin/embedded/sample/traffic.ts'
import { systemClock } from '../../core/clock.ts'
import { findPart } from '../support/parts.ts'
import { PROJECT } from '../support/project.ts'
import { enter, launch, openTab, show } from './browser.ts'
import { migrateWhole, startPageSystem } from './system.ts'
import { rowOf } from './with-page.ts'

/*
 * npm run pictures: docs/pictures/, of the real page over a real system under the sample load of `npm start -- --traffic`.
 * Nothing but the sample is in them.
 */

const FOLDER = join(PROJECT, 'docs', 'pictures')
const SECRETS = 1200
/** ms of load before the charts are worth a look. */
const RUN_UP = 90_000

const save = (page: Page, name: string) => page.screenshot({ path: join(FOLDER, `${name}.png`) })

async function take(page: Page): Promise<void> {
  await show(page, 'Rates and latency')
  await save(page, 'rates')
  await show(page, 'Phases')
  await save(page, 'phases')
  await rowOf(page, 'github').getByRole('button', { name: 'Roll back github' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back github now' }).click()
  await page.getByText('Rolled back to off.').waitFor()
  await page.getByText('Nothing is answered by new any more.').waitFor()
  await save(page, 'rollback')
}

const chromium = findPart('chromium')
if (chromium === null) throw new Error('chromium is not installed: npm run parts -- chromium')
mkdirSync(FOLDER, { recursive: true })
const system = await startPageSystem({ secrets: SECRETS })
const browser = await launch(chromium)
const sample = { ...SAMPLE_DEFAULTS, secrets: SECRETS }
const traffic = startTraffic({ client: system.secrets, sample, rate: 50, concurrency: 16, clock: systemClock })
try {
  const { page } = await openTab(browser, system.application.operators, { colorScheme: 'light' })
  await enter(page, system.tokens.operator)
  for (const integration of ['aws', 'gcp', 'datadog']) await migrateWhole(system.ops, integration)
  const body = { selector: 'gcp', phase: 'shadow', reason: 'wave 2', execute: true } as const
  await system.ops.call('setFlags', { body })
  await systemClock.sleep(RUN_UP)
  await take(page)
} finally {
  await traffic.stop()
  await browser.close()
  await system.stop()
}
