import { z } from 'zod'

const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const SIZE_UNITS = { B: 1, KiB: 1024, MiB: 1_048_576, GiB: 1_073_741_824 } as const

const scaled = (units: Readonly<Record<string, number>>, example: string) => {
  const pattern = new RegExp(`^(\\d+(?:\\.\\d+)?)(${Object.keys(units).join('|')})$`)
  return z
    .string()
    .regex(pattern, `expected a number with a unit, for example ${example}`)
    .transform((text) => {
      const [, amount = '', unit = ''] = pattern.exec(text) ?? []
      return Number(amount) * (units[unit] as number)
    })
}

/** `250ms`, `5s`, `1h`, `7d`: milliseconds. */
export const durationSchema = scaled(DURATION_UNITS, '250ms, 5s, 1h or 7d')

/** `512B`, `64KiB`, `1MiB`: bytes. */
export const sizeSchema = scaled(SIZE_UNITS, '64KiB or 1MiB')

/** `5%`, `100%`: a ratio from 0 to 1. */
export const ratioSchema = z
  .string()
  .regex(/^\d+(\.\d+)?%$/, 'expected a percentage, for example 5%')
  .transform((text) => Number(text.slice(0, -1)) / 100)
  .refine((ratio) => ratio <= 1, 'expected at most 100%')
