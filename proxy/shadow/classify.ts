/** What a stable difference between the sides is called; a class is a metric's label and a row's column. */
export const MISMATCH_CLASSES = [
  'missing_in_new',
  'extra_in_new',
  'value',
  'metadata',
  'stale',
  'undecryptable',
  'store_error',
] as const
export type MismatchClass = (typeof MISMATCH_CLASSES)[number]
