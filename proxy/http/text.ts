import { httpFault } from './faults.ts'

/** No store and no ledger holds NUL or an unpaired surrogate: asked with one, each would answer as if it were away. */
export const isWhole = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/** Throws `parameter-refused` if a text anywhere in what a client sent is not whole. */
export function assertWholeTexts(given: unknown, where: string): void {
  if (typeof given === 'string') {
    if (!isWhole(given)) throw httpFault('parameter-refused', `${where}: no NUL and no unpaired surrogate`)
  } else if (typeof given === 'object' && given !== null) {
    for (const [key, value] of Object.entries(given)) {
      assertWholeTexts(key, where)
      assertWholeTexts(value, `${where}.${key}`)
    }
  }
}
