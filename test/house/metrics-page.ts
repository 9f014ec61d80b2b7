import { writeFileSync } from 'node:fs'
import { everyMetric } from '../../bin/serve/metrics.ts'
import { catalogueOf, metricsPage } from '../../dashboards/catalogue.ts'

export const METRICS_PAGE = new URL('../../docs/metrics.md', import.meta.url)

/** docs/metrics.md as the code says it now. */
export const currentMetricsPage = async (): Promise<string> => metricsPage(await catalogueOf(everyMetric()))

if (import.meta.main) writeFileSync(METRICS_PAGE, await currentMetricsPage())
