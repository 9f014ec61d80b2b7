import { parseArgs } from 'node:util'
import { launch } from '../page/browser.ts'
import { findPart } from '../support/parts.ts'
import { withCanary } from './search.ts'

/*
 * npm run canary [-- --json]: a value that nothing may hold but the stores goes through everything that can go wrong with it, and
 * is then looked for in all that the system shows, says, sends and leaves behind. Exit 3: it was found.
 */
async function main(json: boolean): Promise<number> {
  const [redis, chromium] = [findPart('redis-server'), findPart('chromium')]
  if (redis === null || chromium === null) {
    console.error('redis-server and chromium are needed: npm run parts -- redis-server chromium')
    return 1
  }
  const browser = await launch(chromium)
  try {
    const canary = await withCanary(redis, browser)
    try {
      const { places, found } = await canary.search()
      for (const { place, encodings } of found) console.error(`found in ${place}: ${encodings.join(', ')}`)
      if (!json) console.error(places.join('\n'))
      console.log(JSON.stringify({ places_searched: places.length, found: found.length }))
      return found.length === 0 ? 0 : 3
    } finally {
      await canary.stop()
    }
  } finally {
    await browser.close()
  }
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
process.exitCode = await main(values.json)
