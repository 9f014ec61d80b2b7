import { InvalidArgumentError } from 'commander'

export const wholeNumber = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1 up.')
  return Number(text)
}

/** 0 to 100; `30` or `30%`. */
export const percentage = (text: string): number => {
  const number = /^\d{1,3}%?$/.test(text) ? Number.parseInt(text, 10) : Number.NaN
  if (!(number <= 100)) throw new InvalidArgumentError('expected a whole number from 0 to 100.')
  return number
}
