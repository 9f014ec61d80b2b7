import pino from 'pino'
import { loadConfig } from '../../bin/config/load.ts'
import { startApplication } from '../../bin/serve/application.ts'
import { systemClock } from '../../core/clock.ts'
import { fillSeries } from '../../test/dashboards/label-values.ts'

/*
 * node scrape-server.ts CONFIG: a whole proxy whose metrics hold every series that its integrations can ever have, as after a
 * long life of all of them.
 */
const FIRST_LOOK_MS = 4000
const [path = ''] = process.argv.slice(2)
const stopping = new AbortController()
const config = loadConfig(path, process.env)
const application = await startApplication({
  config,
  clock: systemClock,
  log: pino({ level: 'silent' }),
  name: 'scraped',
  worker: false,
  version: '0.0.0',
  signal: stopping.signal,
})
// The first look at secrets and debts empties their gauges; the configuration puts the next one far away.
await systemClock.sleep(FIRST_LOOK_MS)
fillSeries(application.engine.metrics.registry, Object.keys(config.integrations))
console.log(JSON.stringify({ url: application.clients, operators: application.operators }))
process.once('SIGTERM', () => {
  stopping.abort()
  void application.stop()
})
