import { readFileSync } from 'node:fs'

/** Of package.json, which lies two folders up in a clone and three in `dist` of a package. */
export const version = (): string => {
  for (const up of ['../../', '../../../']) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8'))
      return version
    } catch {
      // Not there: look one folder further up.
    }
  }
  return 'unknown'
}
