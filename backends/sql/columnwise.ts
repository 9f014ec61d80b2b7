import type { Address } from '../secret.ts'

/** Rows as one array a parameter, for `unnest`. */
export const columnwise = (rows: readonly (readonly unknown[])[]): unknown[][] =>
  (rows[0] ?? []).map((_, at) => rows.map((row) => row[at]))

export const addressValues = (a: Address): readonly string[] => [a.integration, a.customer, a.name]

export const addressColumns = (addresses: readonly Address[]): readonly string[][] => [
  addresses.map((a) => a.integration),
  addresses.map((a) => a.customer),
  addresses.map((a) => a.name),
]
