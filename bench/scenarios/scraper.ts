import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

/*
 * node scraper.ts URL EVERY_MS: scrapes while its standard input last said `on`, and prints a line for each. A process of its own,
 * as Prometheus is: reading megabytes would hold up whoever measures the requests.
 */
const [url = '', every = ''] = process.argv.slice(2)
let isOn = false
createInterface({ input: process.stdin })
  .on('line', (line) => {
    isOn = line === 'on'
  })
  .on('close', () => process.exit(0))

console.log('{"ready":true}')
for (;;) {
  if (isOn) {
    const start = performance.now()
    const page = await (await fetch(url)).text()
    const ms = performance.now() - start
    const series = page.split('\n').filter((line) => line.includes('integration="integration-99"')).length
    console.log(JSON.stringify({ ms, bytes: Buffer.byteLength(page), series }))
  }
  await delay(isOn ? Number(every) : 20)
}
